/* The search of a site of files: it hides what does not fit from a list that stands in the page, and works without a
   server, also from a folder. All words come from the page. Without it the list is whole. */
(() => {
  "use strict";
  const YEAR = 365 * 24 * 3600 * 1000;
  for (const note of document.querySelectorAll("[data-list-day]")) {
    note.hidden = Date.now() - Date.parse(note.dataset.listDay) < YEAR;
  }
  const list = document.querySelector("[data-index]");
  if (!list) { return; }
  const asked = new URLSearchParams(location.search);
  const fold = (text) => text.normalize("NFKC").toLowerCase().replace(/[\s\-_.,;:·・'"()\[\]、，。；：（）【】〔〕－—]/g, "");
  const rows = Array.from(list.querySelectorAll("li[data-key]"));
  const words = list.dataset.words.split("|").map((pair) => pair.split("="));
  const wanted = { technique: asked.getAll("technique"), region: asked.get("region") || "", stage: asked.get("stage") || "" };
  let question = asked.get("q") || "";
  const box = document.getElementById("q");
  if (box) { box.value = question; }
  for (const [word, code] of words) {
    if (word && fold(question).includes(fold(word))) {
      wanted.technique.push(code);
      question = question.replace(new RegExp(word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i"), " ");
    }
  }
  const places = new Map(list.dataset.places.split("|").map((pair) => {
    const [name, codes] = pair.split("=");
    return [name, codes.split(",")];
  }));
  const terms = question.split(/\s+/).map(fold).filter(Boolean);
  const whole = fold(question);
  const prefix = wanted.region.replace(/(00)+$/, "");

  function passes(row) {
    const has = row.dataset.techniques.split(" ");
    return row.dataset.region.startsWith(prefix) && wanted.technique.every((code) => has.includes(code))
      && (!wanted.stage || row.dataset.stages.split(" ").includes(wanted.stage));
  }

  function pairs(text) {
    const found = new Set();
    for (let index = 0; index < text.length - 1; index += 1) { found.add(text.slice(index, index + 2)); }
    return found;
  }

  function likeness(row) {
    const mine = pairs(whole);
    if (mine.size < 2 || !/[\u4e00-\u9fff]/.test(whole)) { return 0; }
    const theirs = pairs(row.dataset.key);
    let same = 0;
    mine.forEach((pair) => { same += theirs.has(pair) ? 1 : 0; });
    return same / mine.size;
  }

  /* A place is meant as a place, and as a part of a name: 鞍山 is Anshan, neither 鞍山道 nor 马鞍山. */
  function isNamed(row, term) {
    let name = fold(row.querySelector("h3").textContent);
    places.forEach((_, place) => { if (place !== term && place.includes(term)) { name = name.replace(place, "|"); } });
    return name.includes(term);
  }

  function lies(row, name) {
    return places.get(name).some((code) => row.dataset.region.startsWith(code));
  }

  function fits(row, term) {
    return places.has(term) ? lies(row, term) || isNamed(row, term) : row.dataset.key.includes(term);
  }

  /* The longest place that a term begins with, and the rest: 鞍山妇儿医院. */
  function fitsInParts(row, term) {
    for (let length = term.length - 1; length > 1; length -= 1) {
      const place = term.slice(0, length);
      if (places.has(place)) { return lies(row, place) && fitsInParts(row, term.slice(length)); }
    }
    return fits(row, term);
  }

  const fitting = rows.filter(passes);
  let shown = fitting.filter((row) => terms.every((term) => fits(row, term)));
  if (!shown.length) { shown = fitting.filter((row) => terms.every((term) => fitsInParts(row, term))); }
  let state = "found";
  if (!shown.length && whole) {
    const near = fitting.map((row) => [likeness(row), row]).filter((pair) => pair[0] >= 0.6);
    near.sort((one, other) => other[0] - one[0]);
    shown = near.slice(0, 10).map((pair) => pair[1]);
    state = shown.length ? "near" : "none";
  }
  const kept = new Set(shown);
  rows.forEach((row) => { row.hidden = !kept.has(row); });
  if (state === "near") { shown.forEach((row) => row.parentElement.appendChild(row)); }
  document.querySelectorAll("[data-group]").forEach((group) => {
    group.hidden = !group.querySelector("li[data-key]:not([hidden])");
    if (whole || prefix || wanted.technique.length || wanted.stage) { group.open = true; }
  });
  const result = document.getElementById("result");
  if (whole || prefix || wanted.technique.length || wanted.stage) {
    result.textContent = list.dataset[state].replace("#", String(shown.length));
  }
})();
