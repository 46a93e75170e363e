// The studio's form. Everything here is a comfort: it works without.

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const number = (value) => value.toLocaleString("en");
const notice = (words, kind, href, action) =>
  document.dispatchEvent(new CustomEvent("notice", { detail: { words, kind, href, action } })); // page.js shows it

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
});


/* ---- Its answer ---- */

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

document.addEventListener("htmx:after:swap", draw);
if (composer() && !composer().prompt.value) composer().prompt.value = draft();
draw();
