/* What the signed part of a QR code is worth, checked in the browser: by the register's keys and status lists, with
   the words of registry/credentials/verifier.py. The part after # never leaves the telephone. Where an address opened
   from a code shows an institution, one sentence says whether the code agrees with it; without this script, or in a
   browser that cannot check signatures, the page is whole. */
"use strict";
(function (root) {
  const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const TYPES = { entry: "art-entry+jwt", list: "statuslist+jwt" };
  const GRACE = 60;
  const STATUS = ["genuine", "revoked", "suspended"];

  function Verdict(word) {
    this.word = word;
  }

  function decode(text) {
    const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    const again = btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
    if (again !== text) throw new Error("base64url");
    return Uint8Array.from(raw, (character) => character.charCodeAt(0));
  }

  function readJson(part) {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(decode(part)));
  }

  function readPart(token, place) {
    try {
      return readJson(token.split(".")[place]);
    } catch (error) {
      return null;
    }
  }

  function isEntry(payload) {
    const place = payload && payload.status && payload.status.status_list;
    return (
      [payload && payload.iat, payload && payload.exp, payload && payload.log, place && place.idx].every(Number.isInteger) &&
      [payload.iss, payload.sub, payload.name, payload.address, place.uri].every((text) => typeof text === "string") &&
      Array.isArray(payload.techniques)
    );
  }

  /* The compact code, or null: ISO 7064 MOD 33,32, as in registry/domain/identifiers.py. */
  function parseCode(text) {
    const code = text.replace(/[\s-]/g, "").toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1");
    if (code.length !== 8) return null;
    let check = 16;
    for (const character of code) {
      const value = ALPHABET.indexOf(character);
      if (value < 0) return null;
      check = ((((check || 32) * 2) % 33) + value) % 32;
    }
    return check === 1 ? code : null;
  }

  function parse(text, address) {
    const compact = text.replace(/[\s\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]/g, "");
    const none = { host: null, own: true, page: false, code: null, token: null };
    if (!compact || compact.length > 4096) return none;
    if (/^https?:\/\/[^/]/i.test(compact)) {
      let url;
      try {
        url = new URL(compact);
      } catch (error) {
        return none;
      }
      const own = new URL(address);
      const cut = url.pathname.lastIndexOf("/q/");
      const head = cut < 0 ? "" : own.pathname.replace(/\/$/, "");
      return {
        host: url.host,
        own: url.host === own.host && !url.username && !url.password && url.pathname.slice(0, Math.max(cut, 0)) === head,
        page: cut >= 0,
        code: cut < 0 ? null : parseCode(url.pathname.slice(cut + 3)),
        token: url.hash.slice(1) || null,
      };
    }
    if (compact.split(".").length === 3) {
      const payload = readPart(compact, 1);
      if (isEntry(payload)) return Object.assign(none, { token: compact, code: parseCode(payload.sub) });
      const header = readPart(compact, 0);
      return header && header.typ === TYPES.entry ? Object.assign(none, { token: compact }) : none;
    }
    return Object.assign(none, { code: parseCode(compact) });
  }

  /* A promise of the payload; rejected with a Verdict, or with "unable" where the browser cannot check Ed25519. */
  function verify(token, key) {
    const parts = token.split(".");
    const header = readPart(token, 0);
    let signature, payload;
    try {
      parts.forEach(decode);
      signature = decode(parts[2]);
      payload = readJson(parts[1]);
    } catch (error) {
      return Promise.reject(new Verdict("altered"));
    }
    if (parts.length !== 3 || "crit" in header || "b64" in header) return Promise.reject(new Verdict("altered"));
    if (!root.crypto || !root.crypto.subtle) return Promise.reject(new Verdict("unable"));
    const subtle = root.crypto.subtle;
    const jwk = { kty: key.kty, crv: key.crv, x: key.x };
    return Promise.resolve()
      .then(() => subtle.importKey("jwk", jwk, { name: "Ed25519" }, false, ["verify"]))
      .catch(() => Promise.reject(new Verdict("unable")))
      .then((own) => subtle.verify({ name: "Ed25519" }, own, signature, new TextEncoder().encode(parts[0] + "." + parts[1])))
      .then((good) => (good ? payload : Promise.reject(new Verdict("altered"))));
  }

  function findKey(token, type, bundle) {
    const header = readPart(token, 0);
    if (!header || header.typ !== type || header.alg !== "EdDSA") throw new Verdict("altered");
    const key = bundle.keys.keys.find((one) => one.kid === header.kid);
    if (!key) {
      const payload = readPart(token, 1);
      throw new Verdict(isEntry(payload) && payload.iss !== bundle.issuer ? "other_host" : "unknown_key");
    }
    if (key.withdrawn) throw new Verdict("key_withdrawn");
    return key;
  }

  function inflate(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new root.DecompressionStream("deflate"));
    return new Response(stream).arrayBuffer().then((buffer) => new Uint8Array(buffer));
  }

  /* A promise of {status, iat}, or null where no list at hand tells. */
  function findStatus(place, bundle, now) {
    const text = bundle.lists[place.uri];
    if (!text || !root.DecompressionStream) return Promise.resolve(null);
    return Promise.resolve()
      .then(() => verify(text, findKey(text, TYPES.list, bundle)))
      .then((list) => {
        if (list.sub !== place.uri || !(now < list.exp) || list.status_list.bits !== 2) return null;
        return inflate(decode(list.status_list.lst)).then((packed) => {
          const byte = packed[place.idx >> 2];
          return byte === undefined ? null : { status: (byte >> ((place.idx & 3) * 2)) & 3, iat: list.iat };
        });
      })
      .catch(() => null);
  }

  function readGenuine(scan, bundle) {
    if (scan.host !== null && !scan.own) throw new Verdict("other_host");
    if (scan.token === null) throw new Verdict(scan.code && (scan.page || scan.host === null) ? "unsigned" : "foreign");
    const key = findKey(scan.token, TYPES.entry, bundle);
    return verify(scan.token, key).then((token) => {
      if (!isEntry(token)) throw new Verdict("altered");
      if (token.iss !== bundle.issuer) throw new Verdict("other_host");
      if (key.retired_at && token.iat > Date.parse(key.retired_at) / 1000 + GRACE) throw new Verdict("key_withdrawn");
      if (scan.code === null || parseCode(token.sub) !== scan.code) throw new Verdict("altered");
      return token;
    });
  }

  /* A promise of {word, code, token, age}: what a scanned text is worth at an instant (seconds since 1970). */
  function check(text, bundle, now) {
    const scan = parse(text, bundle.address);
    return Promise.resolve()
      .then(() => readGenuine(scan, bundle))
      .then((token) => {
        const answer = { word: "expired", code: token.sub, token: token, age: null };
        if (now >= token.exp) return answer;
        return findStatus(token.status.status_list, bundle, now).then((found) => {
          answer.word = (found && STATUS[found.status]) || "unchecked";
          if (found) answer.age = Math.max(0, now - found.iat);
          return answer;
        });
      })
      .catch((error) => {
        if (error instanceof Verdict) return { word: error.word, code: scan.code, token: null, age: null };
        throw error;
      });
  }

  /* The word once the register's page is there to compare with. */
  function compare(answer, shown) {
    if (answer.word !== "genuine" && answer.word !== "unchecked") return answer.word;
    const sort = (techniques) => techniques.slice().sort().join(" ");
    const same =
      answer.token.name === shown.name &&
      answer.token.address === shown.address &&
      sort(answer.token.techniques) === sort(shown.techniques);
    return same ? answer.word : "older";
  }

  root.artCredential = { check: check, compare: compare, parse: parse };

  function showOnLanding(box) {
    const token = root.location.hash.slice(1);
    if (!token || !root.fetch || !root.Promise) return;
    root
      .fetch(box.getAttribute("data-bundle"))
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
      .then((bundle) => {
        const text = bundle.address + "/q/" + box.getAttribute("data-code") + "#" + token;
        return check(text, bundle, Math.floor(Date.now() / 1000));
      })
      .then((answer) => {
        const word = compare(answer, {
          name: box.getAttribute("data-name"),
          address: box.getAttribute("data-address"),
          techniques: box.getAttribute("data-techniques").split(" ").filter(Boolean),
        });
        const sentence = box.querySelector('[data-word="' + word + '"]');
        if (!sentence) return;
        sentence.hidden = false;
        box.hidden = false;
      })
      .catch(() => undefined);
  }

  if (root.document) {
    const box = root.document.getElementById("scan");
    if (box && box.hasAttribute("data-bundle")) showOnLanding(box);
  }
})(typeof window === "undefined" ? globalThis : window);
