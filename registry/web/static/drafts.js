/* Keeps a form of the staff as a draft while it is filled in, and warns before unsaved changes are left.
   Without this script the form works as it is: its buttons save. */
"use strict";
(function () {
  const WAIT = 4000;
  const form = document.querySelector("form[data-autosave]");
  if (!form || !window.fetch) return;
  const told = document.getElementById("autosaved");
  let timer = 0, changed = false, sending = false, edits = 0, after = null;

  async function keep() {
    if (sending || !changed) return;
    sending = true;
    const upto = edits;
    const data = new FormData(form);
    data.delete("doc_file");
    data.delete("without_file");
    data.set("action", "autosave");
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body: data, redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const kept = await answer.json();
      form.setAttribute("action", kept.path); // form.action would be its buttons of that name
      form.elements.namedItem("version").value = kept.version;
      changed = edits !== upto || Boolean(form.elements.namedItem("doc_file").value);
      told.textContent = form.dataset.saved + " " + new Date().toLocaleTimeString();
    } catch (_error) {
      told.textContent = form.dataset.failed;
    } finally {
      sending = false;
      if (after) return form.requestSubmit(after);
      if (edits !== upto) timer = setTimeout(keep, WAIT);
    }
  }

  form.addEventListener("input", function () {
    changed = true;
    edits += 1;
    clearTimeout(timer);
    timer = setTimeout(keep, WAIT);
  });
  form.addEventListener("submit", function (event) {
    clearTimeout(timer);
    if (sending) { // its answer says which version the next save has to name
      event.preventDefault();
      after = event.submitter;
      return;
    }
    changed = false;
  });
  window.addEventListener("beforeunload", function (event) {
    if (changed) event.preventDefault();
  });
})();
