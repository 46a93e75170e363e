// The live stream of states: what moves the cards.

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const notice = (words, kind, href, action) =>
  document.dispatchEvent(new CustomEvent("notice", { detail: { words, kind, href, action } })); // page.js shows it

/* ---- The stream: an honest dot, no step back, cards that another tab began ---- */

const root = document.documentElement;
const stream = () => find("#stream");
const say = (state) => (root.dataset.stream = state);
const onStream = (type, act) => document.addEventListener(type, (event) => event.target.id === "stream" && act(event));
const signedOut = () => notice("Your session has ended.", "danger", "/login", "Sign in again");
let tries = 0;

onStream("htmx:sse:after:connection", ({ detail }) => {
  if (detail.connection.status !== 200) say("lost"); // with its first word it is "connected": transport.js
  tries = 0;
});
onStream("htmx:sse:before:connection", ({ detail }) => detail.connection.attempt > 0 && say("lost"));
onStream("htmx:sse:error", ({ detail }) => {
  say("lost");
  if (detail.status === 401) signedOut();
});
// The server lost its own source of news, or has it back.
onStream("reconnecting", () => say("lost"));
onStream("live", () => say("connected"));
// The extension comes back by itself once it had a connection; before that, we try again.
document.addEventListener("htmx:finally:request", ({ target, detail: { ctx } }) => {
  if (!target.hasAttribute?.("hx-sse:connect") || target._htmx?.sse) return;
  if (ctx.response?.status === 401) signedOut();
  if (target === stream()) say("lost");
  else if (ctx.response?.status < 500) return; // there is no such log any more
  setTimeout(() => htmx.trigger(target, "reconnect"), Math.min(30000, 1000 * 2 ** tries++));
});
addEventListener("offline", () => stream() && say("lost"));
// A machine that slept may hold a connection that is long dead.
const reconnect = () => {
  const { sse, ws } = stream()?._htmx ?? {};
  sse?.delayCanceller?.();
  sse?.reader?.cancel();
  ws?.connection?.socket?.close();
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

if (stream()) say("connecting");
