/* Names of places while somebody types one, and the place that the address names. Without this script the form works as
   it is: the server reads the text, and asks when it may mean several places. What is typed goes to the register alone. */
"use strict";
(function () {
  const WAIT = 200;

  async function ask(input, query) {
    const address = new URL(input.dataset.places, window.location.href);
    address.search = new URLSearchParams(query).toString();
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" }, redirect: "error" });
      return answer.ok ? (await answer.json()).items : [];
    } catch (_error) {
      return [];
    }
  }

  function attach(input) {
    let timer = 0, last = "";
    input.addEventListener("input", function () {
      clearTimeout(timer);
      const text = input.value.trim();
      timer = setTimeout(async function () {
        if (!text || text === last) return;
        last = text;
        const names = await ask(input, { q: text });
        input.list.textContent = "";
        names.forEach(function (name) {
          const option = document.createElement("option");
          option.value = name;
          input.list.appendChild(option);
        });
      }, WAIT);
    });
    const source = input.dataset.address && document.getElementById(input.dataset.address);
    const told = input.closest(".field").querySelector("[data-from-address]");
    if (source && told) source.addEventListener("change", async function () {
      const [place] = source.value.trim() && !input.value.trim() ? await ask(input, { address: source.value }) : [];
      told.textContent = place ? told.dataset.fromAddress.replace("#", place) : "";
    });
  }

  if (window.fetch) document.querySelectorAll("input[data-places]").forEach(attach);
})();
