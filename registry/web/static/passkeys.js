/* Makes or shows a passkey: shows its button, and sends the form it stands in with what the browser answered.
   Without this script the code of an authenticator does. */
"use strict";
(function () {
  const place = document.querySelector("[data-passkey]");
  if (!place || !window.PublicKeyCredential) return;
  const field = place.querySelector("input"), button = place.querySelector("button");
  const note = place.querySelector("[role=status]");

  function toBytes(text) {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (character) => character.charCodeAt(0));
  }

  function toText(buffer) {
    const plain = String.fromCharCode(...new Uint8Array(buffer));
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function readOptions() {
    const options = JSON.parse(place.dataset.options);
    options.challenge = toBytes(options.challenge);
    if (options.user) options.user.id = toBytes(options.user.id);
    for (const name of ["allowCredentials", "excludeCredentials"]) {
      for (const one of options[name] || []) one.id = toBytes(one.id);
    }
    return { publicKey: options };
  }

  function writeAnswer(made) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature"]) {
      if (made.response[name]) response[name] = toText(made.response[name]);
    }
    return JSON.stringify({ id: made.id, rawId: toText(made.rawId), type: made.type, response });
  }

  button.addEventListener("click", async function () {
    button.disabled = true;
    note.textContent = "";
    try {
      field.value = writeAnswer(await navigator.credentials[place.dataset.passkey](readOptions()));
      field.form.submit();
    } catch (_error) {
      note.textContent = place.dataset.failed;
      button.disabled = false;
    }
  });
  place.hidden = false;
})();
