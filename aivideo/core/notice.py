"""What is told about the end of a video, in words: on the page, by the browser, by mail."""

from dataclasses import dataclass
from enum import StrEnum

LONGEST_NAME = 60


class Kind(StrEnum):
    """How a video ended; whoever cancels one knows it already."""

    COMPLETED = "completed"
    FAILED = "failed"
    LATE = "late"


@dataclass(frozen=True)
class Words:
    """`tone` is `success` or `danger`; `href` and `action` lead on; `tag` tells one notice from another."""

    text: str
    tone: str
    href: str
    action: str
    tag: str


def of_one(kind: Kind, video_id: int, name: str, why: str | None) -> Words:
    """The end of one video. `name` is its title or prompt, `why` the sentences that say why it failed."""
    text = {
        Kind.COMPLETED: f"Your video is ready: {quoted(name)}.",
        Kind.FAILED: f"{quoted(name)} failed. {why or ''}".strip(),
        Kind.LATE: f"Your video finished after all, at no charge: {quoted(name)}.",
    }[kind]
    tone = "danger" if kind is Kind.FAILED else "success"
    return Words(text, tone, f"/videos/{video_id}", "Open", f"video-{video_id}")


def of_many(kinds: list[Kind]) -> Words:
    """The ends of several at once: `3 videos ended: 2 are ready, 1 failed.`"""
    failed = kinds.count(Kind.FAILED)
    ready = len(kinds) - failed
    text = f"{len(kinds):,} videos {'failed' if failed else 'are ready'}."
    if ready and failed:
        text = f"{len(kinds):,} videos ended: {ready:,} {'is' if ready == 1 else 'are'} ready, {failed:,} failed."
    return Words(text, "success" if ready else "danger", "/videos", "Open the library", "videos")


def quoted(name: str) -> str:
    """On one line, and no longer than a line."""
    line = " ".join(name.split())
    return f"“{line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1].rstrip() + '…'}”"
