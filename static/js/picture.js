// The picture a video begins with: upload, drop or paste; how it is cut, seen before it is sent. Works without.

const find = (selector, root = document) => root.querySelector(selector);
const form = () => find("#composer:has(#pictures)");
const TYPES = ["image/jpeg", "image/png", "image/webp"];
const MOST_BYTES = 20 * 1024 * 1024;
const MOST_PIXELS = 50e6;
const CALM = { blur: 5 / 96, light: 0.82 }; // what the server fills the edges with: media/picture.py

/* ---- What is chosen ---- */

function chosen() {
  const file = form().input_reference.files[0];
  if (file) return { source: (file.address ??= URL.createObjectURL(file)), name: file.name, file };
  const radio = find("[name=picture]:checked", form());
  return { source: radio?.dataset.source ?? "", name: find("img", radio?.parentElement)?.alt ?? "" };
}

let loaded = { source: "", width: 0, height: 0 };

function draw() {
  if (!form()) return;
  const { source, name, file } = chosen();
  find("#preview").hidden = !source;
  find(".upload", form()).classList.toggle("chosen", Boolean(file));
  if (!source) return;
  find("[data-name]", form()).textContent = name;
  if (loaded.source === source) return drawFrame();
  const image = new Image();
  image.onload = () => {
    if (chosen().source !== source) return;
    if (image.naturalWidth * image.naturalHeight > MOST_PIXELS) return refuse("This picture has more than 50 megapixels. Choose a smaller one.");
    loaded = { source, width: image.naturalWidth, height: image.naturalHeight };
    drawFrame();
  };
  image.onerror = () => chosen().source === source && refuse("This file cannot be read as a picture. Allowed: JPEG, PNG or WebP.");
  image.src = source;
}

function drawFrame() {
  const [width, height] = form().elements.size.value.split("x").map(Number);
  const [whole, full] = [width / loaded.width, height / loaded.height].sort((a, b) => a - b);
  const pad = form().elements.fit.value === "pad";
  const wide = width / loaded.width < full; // its sides are cut
  const lost = Math.round(100 * (1 - whole / full));
  const focus = Number(form().elements.focus.value);
  const frame = find("#preview-frame");
  frame.setAttribute("viewBox", `0 0 ${width} ${height}`);
  frame.classList.toggle("tall", height > width);
  frame.classList.toggle("movable", !pad && lost > 0);
  frame.movable = pad || !lost ? null : { wide, over: wide ? loaded.width * full - width : loaded.height * full - height };
  if (!frame.firstChild) frame.append(make("rect", { fill: "#fff" }), soft(), make("image", { class: "behind", filter: "url(#soft)" }), make("image", {}));
  const [paper, , behind, picture] = frame.children;
  put(paper, { width, height });
  const blur = Math.max(width, height) * CALM.blur;
  put(find("feGaussianBlur", frame), { stdDeviation: blur });
  behind.toggleAttribute("hidden", !pad);
  const lay = (image, scale, x = 0.5, y = 0.5) => put(image, {
    href: loaded.source, width: loaded.width * scale, height: loaded.height * scale,
    x: (width - loaded.width * scale) * x, y: (height - loaded.height * scale) * y,
  });
  if (pad) lay(behind, Math.max((width + 4 * blur) / loaded.width, (height + 4 * blur) / loaded.height)); // its soft edge is out of sight
  if (pad) lay(picture, whole);
  else lay(picture, full, wide ? focus : 0.5, wide ? 0.5 : focus);

  find(".focus", form()).hidden = pad || !lost;
  find("[data-focus]", form()).textContent = wide ? "Keep more of the left or right" : "Keep more of the top or bottom";
  const size = `${width} × ${height}`;
  const fit = find("[data-fit]", form());
  const words = !lost ? `Fits ${size} without a cut.`
    : pad ? `Shown whole in ${size}; what is left over is filled with a blur of it.`
    : `Cut to ${size}: ${lost} % of its ${wide ? "width" : "height"} is left out.`;
  if (fit.textContent !== words) fit.textContent = words;
}

const make = (name, attributes) => put(document.createElementNS("http://www.w3.org/2000/svg", name), attributes);
function put(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
function soft() {
  const filter = make("filter", { id: "soft", "color-interpolation-filters": "sRGB", x: 0, y: 0, width: 1, height: 1 });
  const darker = make("feComponentTransfer", {});
  darker.append(...["R", "G", "B"].map((colour) => make(`feFunc${colour}`, { type: "linear", slope: CALM.light })));
  filter.append(make("feGaussianBlur", {}), darker);
  return filter;
}

/* ---- Choosing ---- */

function takeFile(file) {
  if (!TYPES.includes(file.type)) return refuse("This file is not a JPEG, PNG or WebP picture.");
  if (file.size > MOST_BYTES) return refuse("This picture is larger than 20 MB. Choose a smaller one.");
  if (form().input_reference.files[0] !== file) {
    const transfer = new DataTransfer();
    transfer.items.add(file);
    form().input_reference.files = transfer.files;
  }
  find("[name=picture][value='']", form()).checked = true;
  refuse("", true);
  anew();
}

function refuse(words, keep) {
  if (!keep) form().input_reference.value = "";
  const line = find("#picture-refused");
  line.hidden = !words;
  find("span", line).textContent = words;
  if (words) draw();
}

function anew() { // another picture begins in its middle
  form().elements.focus.value = 0.5;
  draw();
}

// tools.js: a moment of a video of one's own.
document.addEventListener("frame-chosen", ({ detail: { of, at } }) => {
  const own = find("#own-picture");
  const radio = find("input", own);
  const source = `/videos/${of}/frame?at=${at}`;
  Object.assign(find("img", own), { src: source, alt: `Video ${of} at ${Number(at).toFixed(1)} s` });
  form().frame_of.value = of;
  form().frame_at.value = at;
  radio.dataset.source = source;
  radio.value = "frame";
  radio.checked = true;
  own.hidden = false;
  refuse("");
  anew();
});

document.addEventListener("change", ({ target }) => {
  if (!form() || !target.closest("#composer")) return;
  if (target.name === "input_reference") return target.files[0] ? takeFile(target.files[0]) : draw();
  if (target.name === "picture") {
    refuse("");
    return anew();
  }
  draw();
});
document.addEventListener("input", ({ target }) => target.name === "focus" && form() && draw());
document.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-no-picture]")) return;
  find("[name=picture][value='']", form()).checked = true;
  refuse("");
  draw();
  find("[name=picture][value='']", form()).focus();
});
document.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith("image/"));
  if (file && form()) takeFile(file);
});
for (const type of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    if (!form() || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form().classList.toggle("dropping", type === "dragover");
    if (type === "drop" && event.dataTransfer.files[0]) takeFile(event.dataTransfer.files[0]);
  });
}

/* ---- Moving it behind its frame; the slider does the same for the keyboard ---- */

let drag = null;
document.addEventListener("pointerdown", (event) => {
  const frame = event.target.closest?.("#preview-frame");
  if (!frame?.movable) return;
  const { wide, over } = frame.movable;
  const scale = frame.viewBox.baseVal.width / frame.getBoundingClientRect().width;
  drag = { wide, share: scale / over, from: wide ? event.clientX : event.clientY, focus: Number(form().elements.focus.value) };
  frame.setPointerCapture(event.pointerId);
});
document.addEventListener("pointermove", (event) => {
  if (!drag) return;
  const moved = (drag.wide ? event.clientX : event.clientY) - drag.from;
  form().elements.focus.value = Math.min(1, Math.max(0, drag.focus - moved * drag.share));
  draw();
});
for (const type of ["pointerup", "pointercancel"]) document.addEventListener(type, () => (drag = null));

document.addEventListener("htmx:after:swap", draw);
draw();
