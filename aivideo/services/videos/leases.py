"""Leases: who is at work on a video, or on a thing of some name, and for how long after they were killed."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Flask, current_app
from sqlalchemy import delete, or_, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from aivideo.core.video import Stage
from aivideo.extensions import insert_on_conflict
from aivideo.models import Attempt, Lease, Video
from aivideo.services.videos.moves import change, utc_now
from aivideo.transaction import transaction

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=20)
RENEW_SECONDS = 5.0


def take(video_id: int, stage: Stage) -> Video | None:
    """Take the lease on a video in `stage`; None where somebody holds it or the stage has passed."""
    now = utc_now()
    until = now + LEASE
    with transaction() as session:
        return change(session, video_id, stage, Video.unleased(now), lease_until=until, due_at=until)


@contextmanager
def kept(video_id: int, stage: Stage, attempt_id: int | None = None) -> Iterator[None]:
    """Renew the lease on a video, and on its open attempt, for as long as the block runs."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    done = threading.Event()
    keeper = threading.Thread(
        target=_renew, args=(app, video_id, stage, attempt_id, done), name=f"lease-{video_id}", daemon=True
    )
    keeper.start()
    try:
        yield
    finally:
        done.set()


def hold(name: str, holder: str, length: timedelta) -> bool:
    """Take or renew a named lease, in one statement that only one process can win."""
    now = utc_now()
    statement = (
        insert_on_conflict(Lease)
        .values(name=name, holder=holder, until=now + length)
        .on_conflict_do_update(
            index_elements=[Lease.name],
            set_={"holder": holder, "until": now + length},
            where=or_(Lease.holder == holder, Lease.until <= now),
        )
    )
    with transaction() as session:
        return session.execute(statement.returning(Lease.name)).one_or_none() is not None


def let_go(session: Session, name: str) -> None:
    """Give a named lease up for good."""
    session.execute(delete(Lease).where(Lease.name == name))


def _renew(app: Flask, video_id: int, stage: Stage, attempt_id: int | None, done: threading.Event) -> None:
    while not done.wait(RENEW_SECONDS):
        until = utc_now() + LEASE
        try:
            with app.app_context(), transaction() as session:
                if attempt_id is not None:  # locked before its video, as everywhere
                    session.execute(update(Attempt).where(Attempt.id == attempt_id).values(lease_until=until))
                held = change(session, video_id, stage, lease_until=until, due_at=until)
            if held is None:
                return
        except SQLAlchemyError as error:
            log.warning("the lease on video %s could not be renewed: %s", video_id, error)
