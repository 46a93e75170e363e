// The library's own script: tiles that follow the stream, previews that move, choosing many, and keys.

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const tiles = () => all("#grid > .tile");
const idOf = (tile) => tile.id.replace("tile-", "");

/* ---- Tiles follow the stream of states, which is told in cards ---- */

const heard = new Map();
const wanted = new Set();
let fetching;

// A tile shows less than a card: its progress is in the card's message; for a beginning or an end the server is asked.
function hear({ dataset: { video, seq, status, ...more } }, progress) {
  const tile = find(`#tile-${video}`);
  if (Number(seq) < Number(tile?.dataset.seq)) return;
  if (tile?.dataset.status === status) {
    const bar = find("progress", tile);
    if (bar) bar.value = progress.value;
    tile.dataset.seq = seq;
  } else if (tile || heard.get(video) !== status || "ended" in more) want(video); // what ended may have been restored
  heard.set(video, status);
}

document.addEventListener("htmx:before:swap", ({ target, detail }) => {
  if (target.id !== "stream") return;
  for (const { fragment } of detail.tasks) {
    const live = fragment?.querySelector?.(".live");
    if (live) hear(live, find("progress", live));
  }
});
function want(id) {
  wanted.add(id);
  fetching ??= setTimeout(fetchTiles, 200);
}

async function fetchTiles() {
  const ids = [...wanted];
  wanted.clear();
  fetching = undefined;
  const query = new URLSearchParams(location.search);
  for (const id of ids) query.append("video", id);
  const answer = await fetch(`/videos/tiles?${query}`).catch(() => undefined);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ids) {
    const shown = find(`#tile-${id}`);
    const next = find(`#tile-${id}`, page);
    if (shown && find(".renaming", shown)) continue;
    if (shown && next) htmx.swap({ sourceElement: shown, target: shown, swap: "outerMorph", text: next.outerHTML });
    else if (next) place(next);
    else shown?.remove(); // it is not what is looked for any more
  }
  settle();
}

// Where it belongs among what is shown; what belongs before or after all that comes with its own page.
function place(tile) {
  const grid = find("#grid");
  if (!grid) return htmx.trigger("#results", "refresh");
  const { sort } = grid.dataset;
  const key = { longest: "seconds", dearest: "credits" }[sort];
  const rank = (one) => [key ? Number(one.dataset[key]) : 0, Number(idOf(one))];
  const before = (a, b) => (sort === "oldest" ? -1 : 1) * (rank(a)[0] - rank(b)[0] || rank(a)[1] - rank(b)[1]) > 0;
  const next = tiles().find((other) => before(tile, other));
  if (next ? "later" in grid.dataset && next === tiles()[0] : find("#more")) return;
  const here = document.importNode(tile, true);
  grid.insertBefore(here, next ?? find("#pages"));
  htmx.process(here);
}

function settle() {
  count();
  if (find("#grid") && !tiles().length && !find("#more")) htmx.trigger("#results", "refresh");
}

/* ---- Previews move under the pointer and in focus, unless less motion is wished for ---- */

const still = matchMedia("(prefers-reduced-motion: reduce)");
let pointed;
let waiting;

function play(tile) {
  const thumb = find("[data-preview]", tile);
  if (!thumb || find(".moving", thumb)) return;
  const image = Object.assign(new Image(), { className: "moving", alt: "" });
  image.onerror = () => image.remove();
  image.src = thumb.dataset.preview;
  thumb.append(image);
}
const stop = (tile) => tile && find(".moving", tile)?.remove();

document.addEventListener("pointerover", ({ target, pointerType }) => {
  const tile = target.closest?.("#grid > .tile");
  if (tile === pointed) return;
  clearTimeout(waiting);
  stop(pointed);
  pointed = tile;
  if (tile && pointerType === "mouse" && !still.matches) waiting = setTimeout(() => play(tile), 120);
});
document.addEventListener("focusin", ({ target }) => {
  if (target.matches("#grid > .tile > a:focus-visible") && !still.matches) play(target.parentElement);
});
document.addEventListener("focusout", ({ target }) => target.matches("#grid > .tile > a") && stop(target.parentElement));

/* ---- Choosing many ---- */

const boxes = () => all("#grid .pick");
const chosen = () => boxes().filter((box) => box.checked);
let last; // the box that was chosen last: where a range begins
let following; // where the focus goes once the focused video is deleted

function choose(box, upTo) {
  const range = [boxes().indexOf(last), boxes().indexOf(box)].sort((a, b) => a - b);
  if (upTo && range[0] >= 0) for (const one of boxes().slice(range[0], range[1] + 1)) one.checked = box.checked;
  last = box;
  count();
}

function count() {
  const [number, shown] = [chosen().length, boxes().length];
  find("[data-count]").textContent = number ? `${number} selected` : "";
  find("[data-all] span").textContent = number && number === shown ? "Select none" : "Select all shown";
}

function clear() {
  for (const box of boxes()) box.checked = false;
  count();
}

function remove(sure) {
  const underWay = chosen().some((box) => ["pending", "processing"].includes(box.closest(".tile").dataset.status));
  if (underWay && !sure) return find("#sure").showPopover();
  const going = new Set(chosen().map((box) => box.closest(".tile")));
  const focused = document.activeElement.closest?.(".tile");
  const rest = tiles().filter((tile) => !going.has(tile));
  following = going.has(focused) ? rest.find((tile) => tile.compareDocumentPosition(focused) & 2) ?? rest.at(-1) : undefined;
  const form = find("#chosen");
  form.requestSubmit(find("[value=delete]", form));
}

document.addEventListener("click", (event) => {
  const { target, shiftKey } = event;
  if (target.matches?.(".pick")) choose(target, shiftKey);
  if (target.closest("[data-all]")) {
    const every = chosen().length < boxes().length;
    for (const box of boxes()) box.checked = every;
    count();
  }
  if (target.closest("[data-sure]")) {
    find("#sure").hidePopover();
    remove(true);
  }
  if (target.closest("#chosen [value=delete]")) {
    event.preventDefault();
    remove();
  }
  if (target.closest("[data-cancel]")) {
    event.preventDefault();
    const tile = target.closest(".tile");
    find(".renaming", tile).remove();
    find("a", tile).focus();
  }
  const menu = find(".more[open]");
  if (menu && !menu.contains(target)) menu.open = false;
});
document.addEventListener("reset", ({ target }) => target.id === "chosen" && (clear(), (last = undefined)));

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const { sourceElement: source } = ctx;
  if (source?.id === "chosen") {
    clear();
    (following?.isConnected ? find("a", following) : undefined)?.focus();
    following = undefined;
  }
  settle();
  expire();
  if (source?.matches?.(".rename")) find(".renaming input")?.select();
});
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (ctx.request.action === "/videos/restore") for (const id of ctx.request.body.getAll("video")) want(id);
});

// An offer to undo goes when its time is over.
function expire() {
  for (const offer of all("#undo > form:not([data-going])")) {
    offer.dataset.going = "";
    setTimeout(() => offer.remove(), offer.dataset.seconds * 1000);
  }
}

/* ---- Keys: for the video in focus; a field keeps its own ---- */

const MOVES = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 };
const keys = find("[data-keys]");
const setting = (value) => {
  try { return value === undefined ? localStorage.getItem("keys") : localStorage.setItem("keys", value); } catch { /* storage is off */ }
};
keys.checked = setting() !== "off";
keys.addEventListener("change", () => setting(keys.checked ? "on" : "off"));

function move(tile, key) {
  const across = key === "ArrowUp" || key === "ArrowDown" ? getComputedStyle(find("#grid")).gridTemplateColumns.split(" ").length : 1;
  const next = tiles()[tiles().indexOf(tile) + MOVES[key] * across];
  if (next) find("a", next).focus();
}

const ACTS = {
  " ": (tile) => (find(".moving", tile) ? stop(tile) : play(tile)),
  f: (tile) => (chosen().length ? find("#chosen [value=favourite]") : find(".star", tile)).click(),
  x: (tile, shift) => {
    const box = find(".pick", tile);
    box.checked = shift || !box.checked;
    choose(box, shift);
  },
  Delete: (tile) => {
    if (!chosen().length) find(".pick", tile).checked = true;
    remove();
  },
};
ACTS.Backspace = ACTS.Delete;

document.addEventListener("keydown", (event) => {
  const { target, key, shiftKey } = event;
  if (key === "Escape" && target.closest(".renaming")) return find("[data-cancel]", target.closest(".renaming")).click();
  if (!keys.checked || event.defaultPrevented || event.altKey || find(":popover-open")) return;
  if (target.matches("textarea, select, [contenteditable], input:not(.pick)")) return;
  if (event.ctrlKey || event.metaKey) return key === "z" && find("#undo button")?.click();
  const tile = target.closest(".tile");
  const act = ACTS[key.length === 1 ? key.toLowerCase() : key];
  if (key === "?") find("#help").showPopover();
  else if (key === "Escape") find("#chosen").reset();
  else if (tile && key in MOVES) move(tile, key);
  else if (tile && act && !(key === " " && !target.matches(".tile > a"))) act(tile, shiftKey);
  else if (target === document.body && ["ArrowLeft", "ArrowRight"].includes(key)) find("#grid > .tile > a")?.focus();
  else if (target === document.body && key === "Delete" && chosen().length) remove();
  else return;
  event.preventDefault();
});

// A search's address has only what was chosen in it.
document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  if (ctx.sourceElement.id !== "search") return;
  for (const [name, value] of [...ctx.request.body]) if (!value) ctx.request.body.delete(name);
});

count();
expire();
