// How the ends of videos are told. The server has the outbox: whoever asks it first has them to tell, so none is told
// twice. A page that is looked at shows a toast; one that is not counts in its title, and lets the browser tell.

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const AT_ONCE = 100; // milliseconds; what ends together is told together
const HEAD_START = 1500; // for a page that is looked at, before one that is not lets the browser tell

/* ---- Said to who does not see: the start of a video, each quarter of the way, the end ---- */

const known = new Map(); // by video
const say = (words) => (find("#spoken").textContent = words);
const state = (part) => ({
  seq: Number(part.dataset.seq),
  status: part.dataset.status,
  ended: ["completed", "failed", "cancelled"].includes(part.dataset.status),
  quarter: Math.floor((find("progress", part)?.value ?? 0) / 25),
});
for (const part of all(".live, .tile")) known.set(part.id.replace(/\D/g, ""), state(part));

function hear(live) {
  const video = live.dataset.video;
  const [before, now] = [known.get(video), state(live)];
  if (now.seq < before?.seq) return;
  known.set(video, now);
  if (now.ended) {
    if (!before) ask(); // its end may be news, or it was given a title
    else if (now.status === before.status) return;
    else if (now.status === "cancelled") say(`Video ${video} is cancelled.`);
    else end(`Video ${video} has ${now.status}.`);
  } else if (now.status === "processing" && before?.status !== "processing") say(`Video ${video} has started.`);
  else if (now.quarter > (before?.quarter ?? 0)) say(`Video ${video}: ${25 * now.quarter} %.`);
}

/* ---- Told: by a toast, or by the browser ---- */

let missed = 0; // ends, in a page that is not looked at
let untold = false;
let asking;

function end(words) {
  if (document.hidden) count(missed + 1);
  ask(() => say(words));
}

function ask(otherwise) {
  untold = true;
  if (document.hidden && !may()) return;
  clearTimeout(asking);
  asking = setTimeout(tell, document.hidden ? HEAD_START : AT_ONCE, otherwise);
}

async function tell(otherwise) { // to be done where another page was first
  untold = false;
  const body = new FormData(find("form[action='/logout']")); // for its CSRF token
  const answer = await fetch("/notices/shown", { method: "POST", body }).catch(() => null); // offline: the next page tells
  if (answer?.status !== 200 || answer.redirected) return otherwise?.();
  const told = await answer.json();
  if (document.hidden && show(told)) return;
  document.dispatchEvent(new CustomEvent("notice", { detail: { words: told.text, kind: told.tone, href: told.href, action: told.action } }));
}

const may = () => "browser" in find("#toasts").dataset && window.Notification?.permission === "granted";

function show({ text, href, tag }) {
  try {
    const note = new Notification("aivideo", { body: text, tag, icon: find("link[rel=icon]").href });
    note.onclick = () => {
      window.focus();
      location.assign(href);
    };
    return true;
  } catch { // some browsers, on phones, leave it to a service worker
    return false;
  }
}

function count(number) {
  missed = number;
  document.title = document.title.replace(/^(\(\d+\) )?/, number ? `(${number}) ` : "");
}

document.addEventListener("htmx:before:swap", ({ target, detail }) => {
  if (target.id !== "stream") return;
  for (const { fragment } of detail.tasks) all(".live", fragment ?? new DocumentFragment()).forEach(hear);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  count(0);
  if (untold) ask();
});

/* ---- The choice on the account page: a browser wants to be asked, by a click ---- */

const wish = find("#notify_browser");

function drawPermission() {
  const granted = window.Notification?.permission ?? "missing";
  find("#permission").textContent = {
    missing: "This browser cannot do that here; most want an address with https.",
    denied: "This browser blocks it. Allow notifications for this site in its settings.",
    default: wish.checked ? "This browser has to be asked." : "",
  }[granted] ?? "";
  find("#allow").hidden = granted !== "default" || !wish.checked;
}

async function askBrowser() {
  if (wish.checked) await window.Notification?.requestPermission();
  drawPermission();
}

if (wish) {
  wish.addEventListener("change", askBrowser);
  find("#allow").addEventListener("click", askBrowser);
  drawPermission();
}
