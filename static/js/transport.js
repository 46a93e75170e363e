// What carries the streams: Server-Sent Events, or a WebSocket where something on the way swallows those.
// An element of a stream has the address of its WebSocket in data-ws; each address ends with the cursor.

const SILENCE = 5000; // milliseconds without a word, after which an attempt has failed
const MOST_FAILED = { sse: 2, ws: 4 }; // in a row; a server that is restarted refuses a few WebSockets as well
const KEPT = 3600000; // for so long, in this tab, the next page begins with the WebSocket
const FAREWELLS = ["busy", "drain"];

let carrier = kept() ? "ws" : "sse";
let failed = 0;
let waiting = false; // for the first word over a connection
let alarm;

const stream = () => document.getElementById("stream");
const show = (state) => (document.documentElement.dataset.stream = state);
const on = (type, act) => document.addEventListener(type, ({ target, detail }) => target.id === "stream" && act(detail));
const at = (address, cursor) => (cursor ? address.replace(/[^=]*$/, cursor) : address);

function hear(word) {
  if (!waiting) return;
  expect(false);
  failed = 0;
  if (!FAREWELLS.includes(word)) show("connected");
}

function expect(word, giveUp) {
  clearTimeout(alarm);
  waiting = word;
  if (giveUp) alarm = setTimeout(giveUp, SILENCE);
}

function fail() {
  if (!navigator.onLine) return;
  failed += 1;
  if (failed >= MOST_FAILED[carrier]) carry(carrier === "sse" ? "ws" : "sse");
}

/* ---- Server-Sent Events: what brings no word in time, or ends without one, has failed; a refusal has not ---- */

on("htmx:sse:after:connection", ({ connection }) => connection.status === 200 && expect(true, () => connection.reader?.cancel()));
on("htmx:sse:before:message", ({ message }) => hear(message.event));
on("htmx:sse:before:connection", ({ connection }) => {
  const silent = waiting;
  expect(false);
  if (connection.attempt > 0 && silent) fail();
});
// No headers either: sse.connectTimeout (in base.html) has ended the attempt.
on("htmx:error", ({ error }) => error === "timeout" && fail());
on("htmx:sse:error", ({ error }) => error?.name === "AbortError" && fail());

/* ---- WebSocket: the words about the connection become events, as they are over Server-Sent Events ---- */

let looked;
function watch() { // the extension waits for ever for a handshake, or a word; closed, it tries again
  const socket = stream()?._htmx?.ws?.connection?.socket;
  if (waiting && socket && socket === looked) socket.close();
  looked = socket;
  expect(true, watch);
}

on("htmx:ws:close", ({ connection, code, reason }) => {
  if (reason !== "closed") return;
  show("lost");
  const silent = waiting;
  watch();
  if (!connection.config.reconnectCodes.includes(code)) carry("sse");
  else if (silent) fail();
});
document.addEventListener("htmx:ws:before:message:incoming", ({ target, detail: { connection, message } }) => {
  const { type, cursor, retry } = JSON.parse(message.data);
  if (target.id === "stream") hear(type);
  if (cursor !== undefined) {
    target.dataset.cursor = cursor;
    connection.url = at(connection.url, cursor);
  }
  if (retry) connection.config.reconnectDelay = retry;
  if (type) htmx.trigger(target, type);
});

/* ---- From one to the other ---- */

// Just before htmx looks at an element of a stream, also at one that a later answer brought.
document.addEventListener("htmx:before:process", ({ target }) => {
  for (const element of [target, ...target.querySelectorAll("[data-ws]")]) {
    const { dataset } = element;
    if (!dataset.ws) continue;
    dataset.sse ??= element.getAttribute("hx-sse:connect");
    for (const name of ["sse", "ws"]) element.removeAttribute(`hx-${name}:connect`);
    element.setAttribute(`hx-${carrier}:connect`, at(dataset[carrier], dataset.cursor));
  }
});

function carry(how) {
  carrier = how;
  failed = 0;
  keep();
  expect(false);
  for (const element of document.querySelectorAll("[data-ws]")) {
    const { sse, ws } = element._htmx ?? {};
    const next = element.cloneNode(true); // whatever still waits for the old one finds it gone
    if (sse?.lastEventId) next.dataset.cursor = sse.lastEventId;
    element.replaceWith(next);
    sse?.reader?.cancel();
    ws?.connection?.socket?.close();
    htmx.process(next);
  }
  if (how === "ws") watch();
}

function keep() {
  try {
    if (carrier === "ws") sessionStorage.setItem("ws", Date.now());
    else sessionStorage.removeItem("ws");
  } catch { /* storage is off: the next page finds out for itself */ }
}

function kept() {
  try {
    return Date.now() - Number(sessionStorage.getItem("ws")) < KEPT;
  } catch {
    return false;
  }
}

if (carrier === "ws" && stream()) watch();
