/* Suggestions under every search box: an ARIA 1.2 combobox with a list. Without this script the form works as it is.
   Nothing is stored; what is typed goes to the register's own /api/v1/suggest and nowhere else. */
"use strict";
(function () {
  const WAIT = 150, TIMEOUT = 4000, MOST = 8;

  function attach(form) {
    const input = form.querySelector('input[type="search"]');
    const field = input && input.parentElement;
    if (!input || !window.fetch || !window.AbortController) return;
    const list = document.createElement("div");
    const status = document.createElement("div");
    list.id = input.id + "-list";
    list.className = "suggestions";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", form.dataset.label);
    list.hidden = true;
    status.className = "visually-hidden";
    status.setAttribute("role", "status");
    field.append(list, status);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-controls", list.id);

    let items = [], chosen = -1, timer = 0, asking = null, composing = false, shownFor = null;

    function close() {
      list.hidden = true;
      chosen = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }

    function forget() {
      clearTimeout(timer);
      if (asking) asking.abort();
      asking = null;
    }

    function choose(index) {
      const options = list.children;
      if (chosen >= 0 && options[chosen]) options[chosen].setAttribute("aria-selected", "false");
      chosen = index;
      if (index < 0) return input.removeAttribute("aria-activedescendant");
      options[index].setAttribute("aria-selected", "true");
      options[index].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", options[index].id);
    }

    function go(index) {
      const kept = new URLSearchParams();
      for (const name of ["lang", "size"]) {
        const given = form.elements.namedItem(name);
        if (given) kept.set(name, given.value);
      }
      const query = kept.toString();
      window.location.assign("/i/" + encodeURIComponent(items[index].code) + (query ? "?" + query : ""));
    }

    function place(region) {
      return [...new Set([region.province, region.city, region.district].filter(Boolean))].join("");
    }

    function show(found, typed) {
      items = found;
      shownFor = typed;
      list.textContent = "";
      list.append(...found.map((item, index) => {
        const option = document.createElement("div");
        const where = document.createElement("small");
        option.id = list.id + "-" + index;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.lang = "zh-CN";
        where.textContent = (item.by ? item.by + " · " : "") + place(item.region);
        option.append(item.name, where);
        option.addEventListener("mousedown", (event) => event.preventDefault());
        option.addEventListener("click", () => go(index));
        return option;
      }));
      chosen = -1;
      input.removeAttribute("aria-activedescendant");
      list.hidden = !found.length;
      input.setAttribute("aria-expanded", String(Boolean(found.length)));
      status.textContent = found.length ? form.dataset.some.replace("#", found.length) : form.dataset.none;
    }

    async function ask(typed) {
      forget();
      const mine = (asking = new AbortController());
      const late = setTimeout(() => mine.abort(), TIMEOUT);
      try {
        const address = form.dataset.suggest + "?" + new URLSearchParams({ q: typed, limit: MOST });
        const answer = await fetch(address, { signal: mine.signal, headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(String(answer.status));
        const found = (await answer.json()).items;
        if (asking === mine && document.activeElement === input) show(found, typed);
      } catch {
        if (asking === mine) { close(); status.textContent = ""; } // the form itself still works
      } finally {
        clearTimeout(late);
        if (asking === mine) asking = null;
      }
    }

    function typed() {
      const text = input.value.trim();
      forget();
      if (composing) return;
      if (!text) { items = []; shownFor = null; close(); status.textContent = ""; return; }
      timer = setTimeout(() => ask(text), WAIT);
    }

    function open() {
      if (!items.length || shownFor !== input.value.trim()) return false;
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      return true;
    }

    input.addEventListener("compositionstart", () => { composing = true; forget(); });
    input.addEventListener("compositionend", () => { composing = false; typed(); });
    input.addEventListener("input", typed);
    input.addEventListener("blur", () => { forget(); close(); });
    form.addEventListener("submit", () => { forget(); close(); });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing || composing || event.altKey || event.ctrlKey || event.metaKey) return;
      const last = items.length - 1, isOpen = !list.hidden;
      if (event.key === "ArrowDown" && (isOpen || open())) choose(chosen >= last ? -1 : chosen + 1);
      else if (event.key === "ArrowUp" && (isOpen || open())) choose(chosen < 0 ? last : chosen - 1);
      else if (event.key === "Home" && isOpen && chosen >= 0) choose(0);
      else if (event.key === "End" && isOpen && chosen >= 0) choose(last);
      else if (event.key === "Enter" && isOpen && chosen >= 0) go(chosen);
      else if (event.key === "Escape" && isOpen) { forget(); close(); }
      else return;
      event.preventDefault();
    });
  }

  document.querySelectorAll("form[data-suggest]").forEach(attach);
})();
