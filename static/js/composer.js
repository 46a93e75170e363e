// The studio's form: what is offered, what it costs, what is wrong with it; its draft; its answer. Works without.

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const number = (value) => value.toLocaleString("en");
const count = (value, one) => `${number(value)} ${one}${value === 1 ? "" : "s"}`;
const notice = (words, kind, href, action) =>
  document.dispatchEvent(new CustomEvent("notice", { detail: { words, kind, href, action } })); // page.js shows it

const composer = () => find("#composer");
const value = (name) => composer().elements[name]?.value ?? "";
const write = (element, words) => { if (element && element.textContent !== words) element.textContent = words; };

/* ---- Length, price and wait of what is chosen ---- */

function draw() {
  const form = composer();
  if (!form) return;
  const offer = JSON.parse(form.dataset.prices)[form.model.value];
  offerOnly("size", Object.keys(offer.sizes), offer.size);
  offerOnly("seconds", offer.seconds.map(String), String(offer.default));
  if (find("#pictures")) find("#pictures").disabled = !offer.picture;
  drawLength(form);

  const many = Number(value("count"));
  const price = offer.sizes[value("size")][value("seconds")] * many;
  const left = Number(find("#balance").dataset.credits) - price;
  write(find("[data-verb]", form), many > 1 ? `${form.dataset.verb} ${many}` : form.dataset.verb);
  write(find("[data-price]", form), ` · ${count(price, "credit")}`);
  write(find("[data-wait]", form), JSON.parse(form.dataset.waits)[form.model.value][value("seconds")] ?? "");
  const line = find("[data-after]", form);
  if (!line) return;
  line.classList.toggle("short", left < 0);
  write(line, left < 0 ? `${number(-left)} credits short` : `${number(left)} left after`);
  const advice = find("[data-advice]", form);
  advice.hidden = left >= 0;
  write(advice, left + price >= Number(form.dataset.cheapest)
    ? "Choose fewer, shorter or smaller videos, or ask the operator of this studio for credits."
    : "The operator of this studio can give you credits.");
}

function drawLength(form) {
  const length = [...form.prompt.value.trim()].length;
  const [least, most] = [Number(form.dataset.shortest), Number(form.dataset.longest)];
  const left = length > 0 && length < least && form.prompt !== document.activeElement;
  const line = find("[data-short]", form);
  write(find("[data-count]", form), String(length));
  write(line, length > most ? `${count(length - most, "character")} too many`
    : left ? `${count(least - length, "more character")} needed` : `At least ${least} characters`);
  line.classList.toggle("done", length >= least && length <= most);
  line.classList.toggle("short", length > most || left);
}

function offerOnly(name, values, fallback) {
  const inputs = all(`#composer [name=${name}][type=radio]`);
  for (const input of inputs) input.closest("label").hidden = input.disabled = !values.includes(input.value);
  if (inputs.length && !values.includes(value(name))) inputs.find((input) => input.value === fallback).checked = true;
}

/* ---- What is typed outlives a reload and a sign-in in between; it goes with the video it made, or with the user ---- */

const place = () => ["prompt", ...all(".of input", composer()).map((input) => input.name + input.value)].join(" ");
const draft = (words) => {
  try {
    if (words === undefined) return sessionStorage.getItem(place()) ?? "";
    sessionStorage.setItem(place(), words);
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
document.addEventListener("change", ({ target }) => target.closest("#composer") && draw());
document.addEventListener("focusout", ({ target }) => target.id === "prompt" && setTimeout(draw));
document.addEventListener("focusin", ({ target }) => target.id === "prompt" && draw());
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.closest("#composer")) find("#generate").click();
});

/* ---- Its answer ---- */

const isOrder = (ctx) => ctx?.request?.form?.id === "composer";
let sentFrom = "";
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => { if (isOrder(ctx)) sentFrom = place(); });
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (!isOrder(ctx) || ctx.response.status !== 200) return;
  try { sessionStorage.removeItem(sentFrom); } catch { /* nothing was kept */ }
  draft(composer().prompt.value);
  if (location.search) history.replaceState(history.state, "", "/"); // a reload is not to ask for the same again
  const card = find("#now > .card"); // on a narrow screen it is below the form
  if (card && card.getBoundingClientRect().top > innerHeight * 0.7) card.scrollIntoView({ behavior: "smooth" });
});

// Whoever answered or did not: the form keeps its key, so sending it again is safe.
const unheard = () => notice("The answer got lost. Send it again: the same request is never charged twice.", "danger");
document.addEventListener("htmx:error", ({ detail: { ctx } }) => isOrder(ctx) && unheard());
document.addEventListener("htmx:response:error", ({ detail: { ctx } }) =>
  isOrder(ctx) && ctx.response.status >= 500 && !ctx.text.includes("<hx-partial") && unheard());

document.addEventListener("htmx:after:swap", draw);
if (composer() && !composer().prompt.value) composer().prompt.value = draft();
draw();
