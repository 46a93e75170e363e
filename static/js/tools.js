// The tools for a prompt open over the form and hand over what is chosen. Without this they are pages of their own.

const find = (selector, root = document) => root.querySelector(selector);
const dialog = find("#tools");
const body = find("#tools-body");

let styled; // its style sheet comes with the first of them
const style = () => new Promise((done) => document.head.append(
  Object.assign(document.createElement("link"), { rel: "stylesheet", href: dialog.dataset.style, onload: done, onerror: done })));

async function open(address) {
  await (styled ??= style());
  if (!dialog.open) {
    body.replaceChildren();
    dialog.showModal();
  }
  htmx.ajax("GET", address, { target: "#tools-body", swap: "innerHTML" });
}

// As if it were typed: the browser's own undo brings back what stood there.
function write(words) {
  const prompt = find("#prompt");
  dialog.close();
  prompt.focus();
  prompt.select();
  if (prompt.value === words || document.execCommand("insertText", false, words)) return;
  prompt.value = words;
  prompt.dispatchEvent(new Event("input", { bubbles: true }));
}

// Of what stands in the fields at the click: what was typed last may not be in the prompt yet. (A field is called "action".)
async function writeParts(form, words) {
  const answer = await fetch(form.getAttribute("action"), { method: "POST", body: new FormData(form) }).catch(() => undefined);
  if (answer?.ok) words = find(".composed ~ .row [data-words]", new DOMParser().parseFromString(await answer.text(), "text/html")).dataset.words;
  if (words) write(words);
  else find("input:not([type=hidden])", form).focus(); // nothing is filled in yet
}

document.addEventListener("click", (event) => {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
  const tool = target.closest("a[data-tool]");
  const words = target.closest("[data-words]");
  if (tool) {
    event.preventDefault();
    open(tool.getAttribute("href"));
  } else if (words && find("#prompt")) {
    event.preventDefault();
    if (words.form) writeParts(words.form, words.dataset.words);
    else write(words.dataset.words);
  } else if (target.closest("[data-shut]") || target === dialog) dialog.close();
});

document.addEventListener("submit", (event) => {
  const moments = event.target.closest("[data-moments]");
  if (!moments) return;
  event.preventDefault();
  dialog.close();
  const detail = { of: moments.frame_of.value, at: moments.frame_at.value };
  document.dispatchEvent(new CustomEvent("frame-chosen", { detail }));
});
document.addEventListener("htmx:after:swap", () => find("video", body)?.removeAttribute("controls")); // the slider does it
document.addEventListener("input", ({ target }) => {
  if (target.name !== "frame_at" || !dialog.contains(target)) return;
  find("video", target.form).currentTime = target.value;
  find("output", target.form).textContent = `${Number(target.value).toFixed(1)} s`;
});
