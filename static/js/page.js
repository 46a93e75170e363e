// What every page does by itself. Everything here is a comfort: forms, links and pictures work without it.

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const root = document.documentElement;

/* ---- No second click: a plain form is sent once (htmx does the same for its own) ---- */

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.action.endsWith("/logout")) forgetDraft();
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  setTimeout(() => all("button", form).forEach((button) => (button.disabled = true)));
});
function forgetDraft() { // the composer's: one for a new video, and one for each that is changed
  try {
    for (const name of Object.keys(sessionStorage)) if (name.startsWith("prompt")) sessionStorage.removeItem(name);
  } catch { /* storage is off */ }
}
addEventListener("pageshow", (event) => event.persisted && all("form button:disabled").forEach((button) => (button.disabled = false)));

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
  find("#toasts").prepend(toast); // above the others, which stay where they are
}

function leave(toast) {
  if (toast.matches(":hover, :focus-within")) return setTimeout(leave, 3000, toast);
  toast.inert = true; // its place stays as long as there are others: nothing moves by itself
  if (!find("#toasts > :not([inert])")) find("#toasts").replaceChildren();
}
new MutationObserver((changes) => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    if (node.classList?.contains("toast") && node.dataset.kind !== "danger") setTimeout(leave, 10000, node);
  }
}).observe(find("#toasts"), { childList: true });

// Counts on from what the server last wrote, so that a wrong clock does not matter.
const counted = new WeakMap();
function duration(seconds) {
  const two = (value) => String(value % 60).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}:${two(seconds)}` : `${Math.floor(minutes / 60)}:${two(minutes)}:${two(seconds)}`;
}
function tick() {
  for (const time of all("time[data-running]")) {
    let clock = counted.get(time);
    if (clock?.text !== time.textContent) {
      const seconds = time.textContent.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
      counted.set(time, (clock = { start: performance.now() - seconds * 1000 }));
    }
    clock.text = time.textContent = duration(Math.floor((performance.now() - clock.start) / 1000));
  }
}
// What is left of an estimate; one that proves wrong is not counted into the negative.
function countDown() {
  for (const line of all("[data-left]")) {
    let clock = counted.get(line);
    if (clock?.text !== line.textContent) counted.set(line, (clock = { end: performance.now() + line.dataset.left * 1000 }));
    const seconds = Math.max(0, Math.round((clock.end - performance.now()) / 1000));
    clock.text = line.textContent = seconds ? `about ${duration(seconds)} left` : "a moment longer";
  }
}
setInterval(() => (tick(), countDown()), 1000);

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

document.addEventListener("change", ({ target }) => target.name === "theme" && setTheme(target.value));
document.addEventListener("click", ({ target }) => target.closest("[data-close]")?.closest(".toast").remove());
document.addEventListener("notice", ({ detail: { words, kind, href, action } }) => notice(words, kind, href, action));
document.addEventListener("htmx:after:swap", localTimes);
find(`[name=theme][value=${root.dataset.theme ?? "system"}]`).checked = true;
localTimes();
