"""What streams ask the database. Each function takes an application, and has handed its connection back on return."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import ColumnElement, and_, or_, select

from aivideo import events
from aivideo.core.video import Stage
from aivideo.extensions import db
from aivideo.models import ApiToken, Event, SignIn, User, Video
from aivideo.stream.viewer import Credential
from aivideo.transaction import release

T = TypeVar("T")
PAGE = 200
SLICE = 200
"""Channels, or snapshots, to one query."""
SLACK = timedelta(seconds=60)
"""How far the clocks of the machines that write may lie apart."""


@dataclass
class LogLook:
    """A video's log as the database has it: number of its last line, whether there can be more, and lines not told."""

    last: int
    over: bool
    messages: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Watched:
    """What a user's viewers know: told at least up to `since`, and of each video up to its seq."""

    since: datetime
    seen: Mapping[int, int]


def log_page(app: Flask, video_id: int, after: int) -> list[dict[str, Any]]:
    """The next lines of a log, oldest first; at most PAGE."""
    with app.app_context():
        try:
            return events.replay(video_id, after, PAGE)
        finally:
            release()


def look_at_logs(app: Flask, told: Mapping[int, int]) -> dict[int, LogLook]:
    """State of several logs, by video id; `told` maps each to the last number that was told."""
    looks: dict[int, LogLook] = {}
    with app.app_context():
        try:
            for some in _slices(list(told)):
                looks.update(_logs({video_id: told[video_id] for video_id in some}))
            return looks
        finally:
            release()


def look_at_states(app: Flask, watched: Mapping[int, Watched]) -> dict[int, list[dict[str, Any]]]:
    """What several users' viewers have not been told, by user id: snapshots, and the balance."""
    found: dict[int, list[dict[str, Any]]] = {}
    with app.app_context():
        try:
            for some in _slices(list(watched)):
                found.update(_states({user_id: watched[user_id] for user_id in some}))
            return found
        finally:
            release()


def states(app: Flask, user_id: int, since: datetime | None) -> Iterator[list[dict[str, Any]]]:
    """A user's videos that are under way or changed after `since` (less SLACK), and the balance; in slices."""
    with app.app_context():
        try:
            wanted = and_(Video.stage != Stage.ENDED, Video.hidden_at.is_(None))
            if since is not None:
                wanted = or_(wanted, Video.updated_at > since - SLACK)
            ids = db.session.scalars(select(Video.id).where(Video.user_id == user_id, wanted).order_by(Video.id)).all()
            credits = db.session.scalar(select(User.credits).where(User.id == user_id))
        finally:
            release()
    for some in _slices(ids):
        with app.app_context():
            try:
                slice_of_them = _snapshots(some)
            finally:
                release()
        yield slice_of_them
    if credits is not None:
        yield [balance(credits)]


def good_credentials(app: Flask, credentials: Iterable[Credential]) -> set[Credential]:
    """Those by which one may still watch: of users who are active, and neither signed out nor revoked."""
    known = list(credentials)
    good: set[Credential] = set()
    with app.app_context():
        try:
            for sessions in _slices([int(one) for one in known if isinstance(one, str)]):
                alive = select(SignIn.id).join(User, User.id == SignIn.user_id)
                alive = alive.where(SignIn.id.in_(sessions), SignIn.ended_at.is_(None), User.active)
                good.update(map(str, db.session.scalars(alive)))
            for tokens in _slices([one for one in known if isinstance(one, int)]):
                alive = select(ApiToken.id).join(User, User.id == ApiToken.user_id)
                alive = alive.where(ApiToken.id.in_(tokens), ApiToken.revoked_at.is_(None), User.active)
                good.update(db.session.scalars(alive))
            return good
        finally:
            release()


def balance(credits: int) -> dict[str, Any]:
    """A balance in the form in which it is published."""
    return {"id": None, "seq": 0, "credits_left": credits}


def moment(message: Mapping[str, Any]) -> datetime:
    """When the state that a snapshot shows came to be."""
    return datetime.fromisoformat(message["updated_at"]).astimezone(UTC)


def _logs(told: Mapping[int, int]) -> dict[int, LogLook]:
    rows = db.session.execute(select(Video.id, Video.seq, Video.stage, Video.hidden_at).where(Video.id.in_(list(told))))
    looks = {row.id: LogLook(row.seq, over=row.stage == Stage.ENDED or row.hidden_at is not None) for row in rows}
    behind: list[ColumnElement[bool]] = [
        and_(Event.video_id == video_id, Event.seq > told[video_id])
        for video_id, look in looks.items()
        if look.last > told[video_id]
    ]
    if behind:
        for event in db.session.scalars(select(Event).where(or_(*behind)).order_by(Event.video_id, Event.seq)):
            looks[event.video_id].messages.append(event.as_message())
    for video_id in told:
        looks.setdefault(video_id, LogLook(told[video_id], over=True))  # its row is gone
    return looks


def _states(watched: Mapping[int, Watched]) -> dict[int, list[dict[str, Any]]]:
    oldest = min(known.since for known in watched.values()) - SLACK
    changed = db.session.execute(
        select(Video.id, Video.user_id, Video.seq)
        .where(Video.user_id.in_(list(watched)), Video.updated_at > oldest)
        .order_by(Video.updated_at)
    ).all()
    owner = {row.id: row.user_id for row in changed if row.seq > watched[row.user_id].seen.get(row.id, 0)}
    found: dict[int, list[dict[str, Any]]] = {}
    for snapshot in _snapshots(list(owner)):
        found.setdefault(owner[snapshot["id"]], []).append(snapshot)
    for row in db.session.execute(select(User.id, User.credits).where(User.id.in_(list(watched)))):
        found.setdefault(row.id, []).append(balance(row.credits))
    return found


def _snapshots(video_ids: Sequence[int]) -> list[dict[str, Any]]:
    return events.snapshots(db.session.scalars(select(Video).where(Video.id.in_(video_ids)).order_by(Video.id)).all())


def _slices(keys: Sequence[T]) -> Iterator[list[T]]:
    rest = iter(keys)
    while some := list(islice(rest, SLICE)):
        yield some
