/* Keeps the page that checks QR codes, and what it needs, on the device. FILES and VERSION stand before this text. */
"use strict";
const CACHE = "verify-offline-" + VERSION;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" }))))
      .then(() => self.skipWaiting())
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => names.filter((name) => name.indexOf("verify-offline-") === 0 && name !== CACHE))
      .then((old) => Promise.all(old.map((name) => caches.delete(name))))
      .then(() => self.clients.claim())
  );
});

function fetchNewest(request, key) {
  return fetch(request)
    .then((answer) => {
      if (!answer.ok) return caches.match(key).then((held) => held || answer);
      const copy = answer.clone();
      return caches
        .open(CACHE)
        .then((cache) => cache.put(key, copy))
        .then(() => answer);
    })
    .catch(() => caches.match(key).then((held) => held || Response.error()));
}

/* Files whose address has their content's hash in it come from the device; the page and the lists are asked for first. */
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  const key = url.pathname + url.search;
  if (FILES.indexOf(key) < 0) return;
  if (url.pathname.indexOf("/static/") === 0) {
    event.respondWith(caches.match(key).then((held) => held || fetch(event.request)));
  } else {
    event.respondWith(fetchNewest(event.request, key));
  }
});
