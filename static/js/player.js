// The page of one video: frames, speed, loop, the poster. The player arrives with the end of the video, so it is asked for
// whenever it is needed. Keys work only while the focus is in the card: a single letter must not act from anywhere.

const find = (selector, root = document) => root.querySelector(selector);
const card = find(".card.alone");
const row = find(".player-row");
const player = () => find("video", card);
const fps = Number(row.dataset.fps);
const speeds = [...find("[data-speed]", row).options].map((option) => Number(option.value));
const notice = (words, kind) => document.dispatchEvent(new CustomEvent("notice", { detail: { words, kind } }));
const say = (words) => (find("[data-said]", row).textContent = words);

const frames = () => Math.max(1, Math.round((player()?.duration || 0) * fps));
const frame = () => Math.min(frames() - 1, Math.floor((player()?.currentTime ?? 0) * fps + 0.01));

function draw() {
  const seconds = player()?.currentTime ?? 0;
  find("[data-time]", row).textContent = `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(2).padStart(5, "0")}`;
  find("[data-frame]", row).textContent = player()?.duration ? `frame ${frame() + 1} of ${frames()}` : "";
}

function step(by) {
  if (!player()?.duration) return;
  player().pause();
  const next = Math.min(frames() - 1, Math.max(0, frame() + by));
  player().currentTime = (next + 0.5) / fps; // the middle of a frame, so that no rounding shows its neighbour
  say(`Frame ${next + 1} of ${frames()}`);
}

function skip(seconds) {
  if (player()?.duration) player().currentTime = Math.min(player().duration, Math.max(0, player().currentTime + seconds));
}

function play() {
  if (player()?.paused) player().play();
  else player()?.pause();
}

function speed(value) {
  if (!player() || !speeds.includes(value)) return;
  player().playbackRate = value;
  find("[data-speed]", row).value = value;
  say(`Speed ${value}`);
}
const nextSpeed = (by) => speed(speeds[speeds.indexOf(Number(find("[data-speed]", row).value)) + by]);

function loop(button) {
  const on = button.ariaPressed !== "true";
  button.ariaPressed = String(on);
  if (player()) player().loop = on;
}

const KEYS = {
  ",": () => step(-1), ".": () => step(1), j: () => skip(-1), l: () => skip(1), k: play, "<": () => nextSpeed(-1), ">": () => nextSpeed(1),
};
card.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input") || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});

row.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button?.dataset.step) step(Number(button.dataset.step));
  if (button?.hasAttribute("data-loop")) loop(button);
});
row.addEventListener("change", ({ target }) => target.matches("[data-speed]") && speed(Number(target.value)));
for (const type of ["loadedmetadata", "durationchange", "timeupdate", "seeked"]) card.addEventListener(type, draw, true); // they do not bubble
card.addEventListener("ratechange", () => speeds.includes(player().playbackRate) && (find("[data-speed]", row).value = player().playbackRate), true);

/* ---- The poster, the title, the star ---- */

// In the capturing phase: before htmx reads the form.
document.addEventListener("submit", ({ target }) => {
  if (row.contains(target)) target.at.value = (player()?.currentTime ?? 0).toFixed(3);
}, true);

document.addEventListener("toggle", ({ target }) => {
  if (target.matches?.(".video-title details[open]")) find("input[name=title]", target).select();
}, true);
document.addEventListener("keydown", ({ key, target }) => {
  const details = target.closest?.(".video-title details[open]");
  if (key !== "Escape" || !details) return;
  details.open = false;
  find("summary", details).focus();
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const form = ctx?.request?.form;
  if (form?.action?.endsWith?.("/poster") && ctx.response.status === 200) {
    player().poster = find("#about [id^=poster-] img").src;
    notice("This frame is the poster now.", "success");
  }
  if (form?.closest?.(".video-title")) find(".video-title summary").focus();
});
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const star = ctx?.request?.form?.favourite;
  if (!star || ctx.response.status !== 200) return;
  star.ariaPressed = String(star.value === "1");
  star.value = star.value === "1" ? "0" : "1";
});
document.addEventListener("htmx:response:error", ({ detail: { ctx } }) =>
  row.contains(ctx?.request?.form) && notice("The poster could not be changed. Try again in a moment.", "danger"));

draw();
