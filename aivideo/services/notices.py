"""The outbox: the end of a video is noted in the transaction that ends it, and told once on each way.

A page tells what nobody was shown yet; a mail goes to whoever wants one: see `notice_mail`. Whoever tells takes the row
by compare-and-set first, so no two tell the same.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, case, literal, select, update
from sqlalchemy.orm import Session, load_only

from aivideo.core.notice import Kind, Words, of_many, of_one
from aivideo.extensions import db, insert_on_conflict
from aivideo.models import Notice, User, Video
from aivideo.transaction import transaction


def note(session: Session, video: Video) -> None:
    """Note the end of a video, inside the open transaction that ends it; of a kind, a video has one."""
    if video.hidden_at is not None:
        return
    kind = Kind.LATE if video.late else Kind(video.status)
    now = datetime.now(UTC)
    row: dict[str, Any] = {
        "user_id": User.id,
        "video_id": literal(video.id),
        "kind": literal(kind.value),
        "created_at": literal(now),
        "mail_due_at": case((User.notify_email, literal(now))),
    }
    wanted = select(*row.values()).where(User.id == video.user_id)
    session.execute(insert_on_conflict(Notice).from_select(list(row), wanted).on_conflict_do_nothing())


def tell(user_id: int, *, seen: int | None = None) -> Words | None:
    """Take everything that this user was not told yet, to tell it now; None where there is nothing.

    Of several who ask at once, each notice goes to one. `seen` is a video whose end they have before their eyes.
    """
    unseen = Notice.unseen(user_id).with_only_columns(Notice.id)
    if db.session.scalar(unseen.limit(1)) is None:  # nearly always, so nothing is locked for it
        return None
    with transaction() as session:
        taken = session.execute(
            update(Notice)
            .where(Notice.id.in_(unseen.with_for_update(skip_locked=True)), Notice.shown_at.is_(None))
            .values(shown_at=datetime.now(UTC))
            .returning(Notice.id, Notice.video_id, Notice.kind)
            .execution_options(synchronize_session=False)
        ).all()
    last = {video_id: Kind(kind) for _, video_id, kind in sorted(taken) if video_id != seen}  # it failed, then was late
    ends = [(last[video.id], video) for video in db.session.scalars(_shown(last))]
    if len(ends) == 1:
        kind, video = ends[0]
        return of_one(kind, video.id, video.title or video.prompt, video.error_message)
    return of_many([kind for kind, _ in ends]) if ends else None


def choose(user_id: int, *, email: bool, browser: bool) -> None:
    """Set how a user wants to be told; pages tell in any case."""
    with transaction() as session:
        session.execute(
            update(User)
            .where(User.id == user_id)
            .values(notify_email=email, notify_browser=browser)
            .execution_options(synchronize_session="fetch")
        )


def _shown(ids: Iterable[int]) -> Select[Any]:
    """Those of the videos that are not deleted; what is said of each, and no more."""
    columns = (Video.id, Video.title, Video.prompt, Video.error_message)
    return select(Video).options(load_only(*columns)).where(Video.id.in_(ids), Video.hidden_at.is_(None))
