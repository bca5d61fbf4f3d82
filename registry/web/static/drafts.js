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
    data.set("action", "autosave");
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body: data, redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const kept = await answer.json();
      form.setAttribute("action", kept.path); // form.action would be its buttons of that name
      form.elements.namedItem("version").value = kept.version;
      changed = edits !== upto || Boolean(form.elements.namedItem("doc_file")?.value);
      told.classList.remove("field-error");
      told.textContent = form.dataset.saved.replace("#", new Date().toTimeString().slice(0, 5));
      if (kept.sign_in) askToSignIn(kept.sign_in);
    } catch (_error) {
      told.classList.add("field-error");
      told.textContent = form.dataset.failed;
    } finally {
      sending = false;
      if (after) return form.requestSubmit(after);
      if (edits !== upto) timer = setTimeout(keep, WAIT);
    }
  }

  function askToSignIn(address) { // the session ran out: what was typed is saved, and there after the sign-in
    const link = document.createElement("a");
    link.href = address;
    link.textContent = form.dataset.signIn;
    told.append(" ", form.dataset.ended, " ", link);
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
