// The page's own script. Everything here is a comfort: forms, links and pictures work without it.

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const number = (value) => value.toLocaleString("en");

/* ---- The composer: count, price, what the model offers, how the picture fits ---- */

const PICTURE_TYPES = ["image/jpeg", "image/png", "image/webp"];
const PICTURE_BYTES = 20 * 1024 * 1024;
const PICTURE_PIXELS = 50e6;

const composer = () => find("#composer");
const chosen = (name) => find(`#composer [name=${name}]:checked`)?.value ?? "";

function draw() {
  const form = composer();
  if (!form) return;
  const offer = JSON.parse(form.dataset.prices)[form.model.value];
  offerOnly("size", Object.keys(offer.sizes), offer.size);
  offerOnly("seconds", offer.seconds.map(String), String(offer.default));
  find("#pictures").disabled = !offer.picture;

  const length = form.prompt.value.trim().length;
  find("[data-count]", form).textContent = form.prompt.value.length;
  find("[data-short]", form).classList.toggle("done", length >= Number(form.dataset.shortest));

  const price = offer.sizes[chosen("size")][chosen("seconds")];
  const left = Number(find("#balance").dataset.credits) - price;
  find("[data-price]", form).textContent = ` · ${number(price)} credit${price === 1 ? "" : "s"}`;
  const line = find("[data-left]", form);
  if (line) {
    line.classList.toggle("short", left < 0);
    line.textContent = left < 0 ? `${number(-left)} credits short` : `${number(left)} left after`;
  }
  drawPicture(form);
}

function offerOnly(name, values, fallback) {
  for (const input of all(`#composer [name=${name}]`)) {
    input.closest("label").hidden = input.disabled = !values.includes(input.value);
  }
  if (!values.includes(chosen(name))) find(`#composer [name=${name}][value="${fallback}"]`).checked = true;
}

function drawPicture(form) {
  const file = form.input_reference.files[0];
  const trial = find("[name=picture]:checked", form)?.dataset.source;
  const source = file ? (file.preview ??= URL.createObjectURL(file)) : trial ?? "";
  const preview = find("#preview");
  const [width, height] = chosen("size").split("x").map(Number);
  const frame = find(".preview-frame", preview);
  find("svg", frame).setAttribute("viewBox", `0 0 ${width} ${height}`); // gives the frame its shape, without a style
  frame.classList.toggle("tall", height > width);
  preview.hidden = !source;
  find(".upload", form).classList.toggle("chosen", Boolean(file));
  const image = find("img", frame);
  if (!source) return image.removeAttribute("src");
  const say = () => {
    find("[data-name]", preview).textContent = file ? file.name : find("[name=picture]:checked + img", form).alt;
    find("[data-fit]", preview).textContent = fit(image.naturalWidth, image.naturalHeight, width, height);
  };
  if (image.getAttribute("src") === source) return image.naturalWidth && say();
  image.onload = () => (image.naturalWidth * image.naturalHeight > PICTURE_PIXELS
    ? refuse("This picture has more than 50 megapixels. Choose a smaller one.") : say());
  image.onerror = () => refuse("This file cannot be read as a picture. Allowed: JPEG, PNG or WebP.");
  image.src = source;
}

function fit(width, height, toWidth, toHeight) {
  const lost = Math.round(100 * (1 - Math.min(width / height, toWidth / toHeight) / Math.max(width / height, toWidth / toHeight)));
  const to = `${toWidth} × ${toHeight}`;
  if (lost < 1) return `Fits ${to} without a cut.`;
  return `Cut to ${to}: ${lost} % of its ${width / height > toWidth / toHeight ? "width" : "height"} is left out.`;
}

function takeFile(file) {
  const form = composer();
  if (!PICTURE_TYPES.includes(file.type)) return refuse("This file is not a JPEG, PNG or WebP picture.");
  if (file.size > PICTURE_BYTES) return refuse("This picture is larger than 20 MB. Choose a smaller one.");
  if (form.input_reference.files[0] !== file) {
    const transfer = new DataTransfer();
    transfer.items.add(file);
    form.input_reference.files = transfer.files;
  }
  find("[name=picture][value='']", form).checked = true;
  refuse("", form.input_reference.files);
  draw();
}

function refuse(words, keep) {
  const form = composer();
  if (!keep) form.input_reference.value = "";
  const line = find("#picture-refused");
  line.hidden = !words;
  find("span", line).textContent = words;
  if (words) draw();
}

/* What is typed outlives a reload and a sign-in in between; it goes with the video it made, or with the user. */
const draft = (words) => {
  try {
    if (words === undefined) return sessionStorage.getItem("prompt") ?? "";
    sessionStorage.setItem("prompt", words);
  } catch { /* storage is off: nothing is kept */ }
  return "";
};

document.addEventListener("input", ({ target }) => {
  if (target.id === "prompt") draft(target.value);
  if (target.ariaInvalid) { // it is being mended
    target.removeAttribute("aria-invalid");
    find(`#${target.id}-error`)?.remove();
  }
  if (target.closest("#composer")) draw();
});
document.addEventListener("change", (event) => {
  const { target } = event;
  if (target.name === "input_reference") return target.files[0] ? takeFile(target.files[0]) : draw();
  if (target.name === "picture") refuse("");
  if (target.closest("#composer")) draw();
  if (target.name === "theme") setTheme(target.value);
});
document.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith("image/"));
  if (file && composer()) takeFile(file);
});
for (const type of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    const form = composer();
    if (!form || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.classList.toggle("dropping", type === "dragover");
    if (type === "drop" && event.dataTransfer.files[0]) takeFile(event.dataTransfer.files[0]);
  });
}
document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.closest("[data-no-picture]")) {
    find("#composer [name=picture][value='']").checked = true;
    refuse("");
    draw();
  }
  const example = target.closest("[data-example]");
  if (example && composer()) {
    event.preventDefault();
    composer().prompt.value = example.dataset.example;
    composer().prompt.focus();
    draw();
  }
  target.closest("[data-close]")?.closest(".toast").remove();
});

/* ---- No second click: a plain form is sent once (htmx does the same for its own) ---- */

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.action.endsWith("/logout")) draft("");
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  setTimeout(() => all("button", form).forEach((button) => (button.disabled = true)));
});
addEventListener("pageshow", (event) => event.persisted && all("form button:disabled").forEach((button) => (button.disabled = false)));

const isOrder = (ctx) => ctx?.request?.form?.id === "composer";
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (!isOrder(ctx) || ctx.response.status !== 200) return;
  draft(composer().prompt.value);
  const card = find("#now > .card"); // on a narrow screen it is below the form
  if (card && card.getBoundingClientRect().top > innerHeight * 0.7) card.scrollIntoView({ behavior: "smooth" });
});

// Whoever answered or did not: the form keeps its key, so sending it again is safe.
const unheard = () => notice("The answer got lost. Generate again: the same request is never charged twice.", "danger");
document.addEventListener("htmx:error", ({ detail: { ctx } }) => isOrder(ctx) && unheard());
document.addEventListener("htmx:response:error", ({ detail: { ctx } }) =>
  isOrder(ctx) && ctx.response.status >= 500 && !ctx.text.includes("<hx-partial") && unheard());

/* ---- The stream: an honest dot, no step back, cards that another tab began ---- */

const root = document.documentElement;
const stream = () => find("#stream");
const say = (state) => (root.dataset.stream = state);
const onStream = (type, act) => document.addEventListener(type, (event) => event.target.id === "stream" && act(event));
let tries = 0;

onStream("htmx:sse:after:connection", ({ detail }) => {
  say(detail.connection.status === 200 ? "connected" : "lost");
  tries = 0;
});
onStream("htmx:sse:before:connection", ({ detail }) => detail.connection.attempt > 0 && say("lost"));
onStream("htmx:sse:error", ({ detail }) => {
  say("lost");
  if (detail.status === 401) notice("Your session has ended.", "danger", "/login", "Sign in again");
});
// The server lost its own source of news, or has it back.
onStream("reconnecting", () => say("lost"));
onStream("live", () => say("connected"));
// The extension comes back by itself once it had a connection; before that, we try again.
onStream("htmx:finally:request", ({ target }) => {
  if (root.dataset.stream === "connected") return;
  say("lost");
  setTimeout(() => htmx.trigger(target, "reconnect"), Math.min(30000, 1000 * 2 ** tries++));
});
addEventListener("offline", () => stream() && say("lost"));
// A machine that slept may hold a connection that is long dead.
const reconnect = () => {
  const connection = stream()?._htmx?.sse;
  connection?.delayCanceller?.();
  connection?.reader?.cancel();
};
let hiddenAt = Infinity;
addEventListener("online", reconnect);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Date.now() - hiddenAt > 60000) reconnect();
  hiddenAt = document.hidden ? Date.now() : Infinity;
});
// No content: this stream has nothing more to say, ever.
document.addEventListener("htmx:sse:after:connection", ({ detail: { connection } }) => (connection.over = connection.status === 204));
document.addEventListener("htmx:sse:before:connection", ({ detail: { connection } }) => { if (connection.over) connection.cancelled = true; });

onStream("htmx:before:swap", ({ detail }) => {
  for (const task of [...detail.tasks]) {
    const next = task.fragment?.querySelector?.(".live");
    if (!next) continue;
    const shown = document.getElementById(next.id);
    const ended = "ended" in next.dataset;
    if (!shown && !ended) fetchCard(next.dataset.video);
    if (!shown) continue;
    if (Number(next.dataset.seq) < Number(shown.dataset.seq)) detail.tasks.splice(detail.tasks.indexOf(task), 1);
    else if (ended && !("ended" in shown.dataset)) {
      if (next.dataset.notice) notice(next.dataset.notice, next.dataset.kind, `/videos/${next.dataset.video}`, "Open");
      setTimeout(() => htmx.trigger(document.body, "video-ended"));
    }
  }
});

const asked = new Set();
function fetchCard(id) {
  if (!find("#now") || asked.has(id)) return;
  asked.add(id);
  // A moment later: the answer to this page's own form brings its card by itself.
  setTimeout(() => find(`#video-${id}`) || htmx.ajax("GET", `/videos/${id}/card`, { target: "#now", swap: "afterbegin" }), 1500);
}

/* ---- Notices, clocks, appearance ---- */

function notice(words, kind, href, action) {
  if (kind === "danger" && all("#toasts p").some((line) => line.textContent.startsWith(words))) return;
  const toast = find("#toast").content.firstElementChild.cloneNode(true);
  toast.id = `notice-${crypto.randomUUID?.() ?? Math.random()}`;
  toast.dataset.kind = kind;
  find("p", toast).append(`${words} `);
  if (href) find("p", toast).append(Object.assign(document.createElement("a"), { href, textContent: action }));
  const icon = find("use", toast);
  icon.setAttribute("href", icon.getAttribute("href").replace("info", kind === "danger" ? "circle-alert" : "circle-check"));
  find("#toasts").append(toast);
}

new MutationObserver((changes) => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    if (node.classList?.contains("toast") && node.dataset.kind !== "danger") setTimeout(() => node.remove(), 10000);
  }
}).observe(find("#toasts"), { childList: true });

// Counts on from what the server last wrote, so that a wrong clock does not matter.
const counted = new WeakMap();
function tick() {
  for (const time of all("time[data-running]")) {
    let clock = counted.get(time);
    if (clock?.text !== time.textContent) {
      const seconds = time.textContent.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
      counted.set(time, (clock = { start: performance.now() - seconds * 1000 }));
    }
    const seconds = Math.floor((performance.now() - clock.start) / 1000);
    const two = (value) => String(value % 60).padStart(2, "0");
    const minutes = Math.floor(seconds / 60);
    clock.text = minutes < 60 ? `${minutes}:${two(seconds)}` : `${Math.floor(minutes / 60)}:${two(minutes)}:${two(seconds)}`;
    time.textContent = clock.text;
  }
}
setInterval(tick, 1000);

function localTimes() {
  for (const time of all("time[datetime]:not([data-local])")) {
    const moment = new Date(time.dateTime);
    time.title = moment.toLocaleString();
    if ("clock" in time.dataset) time.textContent = moment.toLocaleTimeString([], { hour12: false });
    time.dataset.local = "";
  }
}

function setTheme(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  } catch { /* storage is off: it holds for this page */ }
}

document.addEventListener("htmx:after:swap", () => { draw(); localTimes(); });
find(`[name=theme][value=${root.dataset.theme ?? "system"}]`).checked = true;
if (stream()) say("connecting");
if (composer() && !composer().prompt.value) composer().prompt.value = draft();
draw();
localTimes();
