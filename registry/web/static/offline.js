/* The page that checks QR codes without the register: keys and status lists are kept by its worker, pictures are read
   by the browser's own detector where it has one, else by zxing-wasm, and nothing that is scanned leaves the device. */
"use strict";
(function () {
  const app = document.getElementById("offline");
  if (!app || !window.fetch || !window.Promise || !window.artCredential) return;
  const find = (name) => app.querySelector('[data-part="' + name + '"]');
  const lang = document.documentElement.lang;
  const show = (element, shown) => {
    element.hidden = !shown;
  };
  let bundle = null;
  let stream = null;
  let reader = null;

  function formatAge(seconds) {
    const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
    const unit = units.find((one) => seconds >= one[1]) || units[2];
    return new Intl.NumberFormat(lang, { style: "unit", unit: unit[0], unitDisplay: "long" }).format(Math.floor(seconds / unit[1]));
  }

  function getListAge() {
    const times = Object.keys(bundle.lists).map((uri) => {
      const part = bundle.lists[uri].split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
      return JSON.parse(atob(part)).iat;
    });
    return Math.max(0, Math.floor(Date.now() / 1000) - Math.min.apply(null, times));
  }

  function load() {
    const own = document.getElementById("bundle"); // in a folder, where nothing can be fetched
    const fetched = () =>
      fetch(app.getAttribute("data-bundle"), { cache: "no-cache" })
        .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)));
    return (own ? Promise.resolve(JSON.parse(own.textContent)) : fetched())
      .then((loaded) => {
        bundle = loaded;
        const age = getListAge();
        find("age").textContent =
          age < 60 ? app.getAttribute("data-new") : app.getAttribute("data-age").replace("{age}", formatAge(age));
        show(find("age"), true);
        show(find("missing"), false);
      })
      .catch(() => show(find("missing"), !bundle));
  }

  function describe(answer) {
    const rows = find("token");
    rows.textContent = "";
    const token = answer.token || {};
    [["code", token.sub], ["name", token.name], ["address", token.address]].forEach((pair) => {
      if (!pair[1]) return;
      const label = document.createElement("dt");
      const value = document.createElement("dd");
      label.textContent = app.getAttribute("data-" + pair[0]);
      value.textContent = pair[1];
      value.lang = "zh-CN";
      rows.append(label, value);
    });
    show(rows, rows.childNodes.length > 0);
    const online = find("online");
    show(online, Boolean(answer.code));
    if (answer.code) online.querySelector("a").href = bundle.address + "/q/" + answer.code;
  }

  function check(text) {
    if (!bundle) {
      show(find("missing"), true);
      return Promise.resolve();
    }
    return artCredential.check(text, bundle, Math.floor(Date.now() / 1000)).then((answer) => {
      app.querySelectorAll("[data-word]").forEach((one) => show(one, one.getAttribute("data-word") === answer.word));
      describe(answer);
      show(find("nothing"), false);
      show(find("result"), true);
      find("result").focus();
    });
  }

  function loadReader() {
    if (reader) return reader;
    const own = () => {
      ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => app.getAttribute("data-wasm") } });
      const options = { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 1 };
      return (image) => ZXingWASM.readBarcodes(image, options).then((found) => found.map((one) => one.text));
    };
    const script = () =>
      new Promise((resolve, reject) => {
        const element = document.createElement("script");
        element.src = app.getAttribute("data-reader");
        element.onload = () => resolve(own());
        element.onerror = reject;
        document.head.append(element);
      });
    const native = () => {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      return (image) => detector.detect(image).then((found) => found.map((one) => one.rawValue));
    };
    const formats = window.BarcodeDetector ? BarcodeDetector.getSupportedFormats() : Promise.resolve([]);
    reader = formats.then((all) => (all.indexOf("qr_code") < 0 ? script() : native()));
    return reader;
  }

  function draw(source, width, height) {
    const canvas = document.createElement("canvas");
    const scale = Math.min(1, 2000 / Math.max(width, height));
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  }

  function readPicture(file) {
    return Promise.all([loadReader(), createImageBitmap(file)])
      .then((both) => both[0](draw(both[1], both[1].width, both[1].height)))
      .then((texts) => (texts.length ? check(texts[0]) : Promise.reject(new Error("none"))))
      .catch(() => show(find("nothing"), true));
  }

  function stop() {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
    show(find("video"), false);
    show(find("stop"), false);
  }

  function watch() {
    const video = find("video");
    navigator.mediaDevices
      .getUserMedia({ video: { facingMode: "environment" } })
      .then((opened) => {
        stream = opened;
        video.srcObject = opened;
        show(video, true);
        show(find("stop"), true);
        return Promise.all([loadReader(), video.play()]);
      })
      .then((both) => {
        const look = () => {
          if (!stream) return;
          both[0](draw(video, video.videoWidth, video.videoHeight))
            .then((texts) => {
              if (!texts.length) return setTimeout(look, 200);
              stop();
              return check(texts[0]);
            })
            .catch(() => setTimeout(look, 500));
        };
        look();
      })
      .catch(() => {
        stop();
        show(find("camera_refused"), true);
      });
  }

  find("check").addEventListener("click", () => check(find("text").value));
  find("picture").addEventListener("change", (event) => {
    if (event.target.files.length) readPicture(event.target.files[0]);
  });
  if (navigator.mediaDevices && navigator.mediaDevices.getUserMedia) {
    show(find("camera"), true);
    find("camera").addEventListener("click", watch);
    find("stop").addEventListener("click", stop);
  }
  if (location.protocol === "file:" && !window.BarcodeDetector) {
    show(find("camera"), false); // the reader of ours cannot be loaded from a folder
    show(find("picture").parentElement, false);
  }
  show(find("tools"), true);
  load();
  if (navigator.serviceWorker && app.hasAttribute("data-worker")) {
    navigator.serviceWorker
      .register(app.getAttribute("data-worker"), { scope: "/verify-offline" })
      .then(() => navigator.serviceWorker.ready)
      .then(() => show(find("ready"), true))
      .catch(() => undefined);
  }
})();
