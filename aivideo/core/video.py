"""A video's states, the ways between them, and the words of its log.

pending     queued
processing  submitting → reconciling → rendering → saving
ended       completed | failed | cancelled
"""

import re
import unicodedata
from enum import StrEnum

DEFAULT_PROMPT_MIN = 10
FILE_OF_A_VIDEO = re.compile(r"user_(\d+)_video_(\d+)(?:_[a-z0-9_]+)?\.(?:mp4|webp)")
LONGEST_FILE_NAME = 60
"""Characters of the name under which a person saves a file; with the widest of them still under 255 bytes."""
NEVER_A_FILE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9])(\..*)?", re.IGNORECASE)


class Status(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    QUEUED = "queued"
    SUBMITTING = "submitting"
    RECONCILING = "reconciling"
    RENDERING = "rendering"
    SAVING = "saving"
    ENDED = "ended"


ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
UNDER_WAY = (Stage.SUBMITTING, Stage.RECONCILING, Stage.RENDERING, Stage.SAVING)
"""Stages that count towards a plan's limit of videos under way at once."""
UPSTREAM = (Stage.SUBMITTING, Stage.RECONCILING, Stage.RENDERING)
"""Stages in which the provider may be working for us (SORA_MAX_CONCURRENT)."""

TRANSITIONS: dict[Stage, frozenset[Stage]] = {
    # To rendering: an answer that came after its call was given up, while the video waited to be sent again.
    Stage.QUEUED: frozenset({Stage.SUBMITTING, Stage.RENDERING, Stage.ENDED}),
    Stage.SUBMITTING: frozenset({Stage.QUEUED, Stage.RECONCILING, Stage.RENDERING, Stage.ENDED}),
    Stage.RECONCILING: frozenset({Stage.QUEUED, Stage.RENDERING, Stage.ENDED}),
    # Back to reconciling: the job it had adopted turned out to be another's.
    Stage.RENDERING: frozenset({Stage.RECONCILING, Stage.SAVING, Stage.ENDED}),
    Stage.SAVING: frozenset({Stage.ENDED}),
    # A late success: failed and refunded, then finished after all.
    Stage.ENDED: frozenset({Stage.ENDED}),
}


def may_move(before: Stage, after: Stage) -> bool:
    return after in TRANSITIONS[before]


def status_of(stage: Stage, ended_as: Status | None = None) -> Status:
    """The coarse status that belongs to a stage; an ended video needs to know how it ended."""
    if stage is Stage.ENDED:
        if ended_as not in ENDED:
            raise ValueError("an ended video is completed, failed or cancelled")
        return ended_as
    return Status.PENDING if stage is Stage.QUEUED else Status.PROCESSING


class Step:
    """Numbers of the log's steps, as the owner fixed them."""

    STARTED = 0
    VALIDATING = 1
    IMAGE = 2
    SUBMIT = 3
    WAITING = 4
    PROCESSING = 5
    DOWNLOADING = 6
    SAVING = 7
    COMPLETED = 9


class Line:
    """Texts of the log. Emoji are content here: they are the owner's."""

    STARTED = "🚀 Video generation task started"
    VALIDATING = "🔍 Validating request parameters..."
    IMAGE = "📸 Downloading and processing reference image..."
    IMAGE_READY = "✅ Image processed successfully"
    WAITING = "⏳ Waiting for AI processing (this may take 2-5 minutes)..."
    DOWNLOADING = "💾 Downloading generated video..."
    SAVING = "📦 Saving video to storage..."
    COMPLETED = "🎉 Video generation completed successfully!"
    COMPLETED_LATE = "🎉 Your video finished after all. It is yours at no charge."
    RECONCILING = "🔎 The answer got lost on the way. Looking up whether the provider took the job..."
    ADOPTED = "✅ Found your video at the provider. Nothing is paid twice."
    NOT_TAKEN = "↩️ The provider never received the job. Sending it again."
    DELETED = "🗑️ Deleted."
    RESTORED = "↩️ Restored."
    CANCEL_WISHED = "🛑 Cancelling..."
    CANCELLED_FREE = "🛑 Cancelled before it was sent. Your credits are back."
    CANCELLED_PAID = "🛑 Cancelled. It had already been sent and paid for, so the credits stay spent."

    @staticmethod
    def calling(model: str) -> str:
        return f"🤖 Calling Sora 2 API (model: {model})..."

    @staticmethod
    def submitted(provider_job_id: str) -> str:
        return f"✅ Video job submitted (Job ID: {provider_job_id})"

    @staticmethod
    def processing(elapsed_seconds: float) -> str:
        return f"⏳ Processing video... ({int(elapsed_seconds)}s elapsed)"

    @staticmethod
    def waiting(reason: str) -> str:
        return f"⏸️ {reason}"

    @staticmethod
    def trying_again(reason: str, seconds: float, number: int, of: int) -> str:
        return f"↩️ {reason} Nothing was bought. Trying again in {int(seconds)} s ({number} of {of})."

    @staticmethod
    def provider_away(seconds: float) -> str:
        return f"⚠️ The provider does not answer right now. Looking again in {int(seconds)} s..."

    @staticmethod
    def failed(message: str) -> str:
        return f"❌ {message}"


def file_url(video_id: int) -> str:
    return f"/videos/{video_id}/file"


def file_name(user_id: int, video_id: int) -> str:
    return f"user_{user_id}_video_{video_id}.mp4"


def poster_name(user_id: int, video_id: int, at: float | None = None) -> str:
    """`at` is the second its user chose; each choice has a name of its own, so that none is taken for another."""
    chosen = "" if at is None else f"_at_{round(at * 1000)}"
    return f"user_{user_id}_video_{video_id}{chosen}.webp"


def preview_name(user_id: int, video_id: int) -> str:
    return f"user_{user_id}_video_{video_id}_preview.webp"


def saved_as(words: str, video_id: int, ending: str) -> str:
    """What a file is called on a person's disk, after a title or a prompt: `A paper boat.mp4`.

    Any text gives a name that every system takes, that leads into no other folder and hides nothing.
    """
    spaced = re.sub(r'[<>:"/\\|?*\s]+', " ", unicodedata.normalize("NFC", words))
    name = "".join(sign for sign in spaced if unicodedata.category(sign)[0] != "C").strip(" .-~")
    if len(name) > LONGEST_FILE_NAME:
        name = name[: LONGEST_FILE_NAME + 1].rpartition(" ")[0] or name[:LONGEST_FILE_NAME]
        name = name.rstrip(" .,;-")
    if not name or NEVER_A_FILE.fullmatch(name):
        name = f"video {video_id}"
    return name + ending


def channel(video_id: int) -> str:
    """Redis Pub/Sub channel of a video's events."""
    return f"video:{video_id}"


def user_channel(user_id: int) -> str:
    """Redis Pub/Sub channel of the state snapshots of all of a user's videos."""
    return f"user:{user_id}"


ACCESS_CHANNEL = "access"
"""Redis Pub/Sub channel of users some of whose sessions or API tokens have ended: `{"user": 42}`."""
