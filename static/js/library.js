// The library's own script: its tiles follow the stream of states, which is told in cards.

const asked = new Set();

// A tile shows less than a card: its progress is in the card's message; for a beginning or an end the page is asked.
function drawTile({ dataset: { video, seq, status } }, progress) {
  const tile = document.querySelector(`#tile-${video}`);
  if (Number(seq) < Number(tile?.dataset.seq)) return;
  if (tile?.dataset.status === status) {
    const bar = tile.querySelector("progress");
    if (bar) bar.value = progress.value;
    tile.dataset.seq = seq;
    return;
  }
  if (asked.has(`${video} ${status}`)) return; // it is on another page of the library
  asked.add(`${video} ${status}`);
  htmx.trigger("#tiles", "refresh");
}

document.addEventListener("htmx:before:swap", ({ target, detail }) => {
  if (target.id !== "stream") return;
  for (const { fragment } of detail.tasks) {
    const live = fragment?.querySelector?.(".live");
    if (live) drawTile(live, live.querySelector("progress"));
  }
});
