"""Mails about the end of a video, for whoever wants them: rung by the ticker, taken by compare-and-set, sent once.

A mail is taken for ten minutes: whoever is killed with one in hand leaves it to be sent by another. Only a kill in the
moment between the server's yes and our note of it makes two, and those have the same Message-ID.
"""

import logging
import threading
from datetime import UTC, datetime, timedelta
from smtplib import SMTPRecipientsRefused

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from aivideo.adapters import catalogue, settings
from aivideo.core.notice import Kind, quoted
from aivideo.extensions import db
from aivideo.mail import deliver
from aivideo.models import Notice, User, Video
from aivideo.queue import enqueue
from aivideo.transaction import release, transaction

log = logging.getLogger(__name__)
RING_AGAIN = timedelta(seconds=15)
"""The ring may have been lost."""
TAKEN = timedelta(minutes=10)
"""Longer than the slowest conversation with a mail server."""
SHORTEST_PAUSE = timedelta(minutes=1)
GIVEN_UP_AFTER = timedelta(days=1)
AT_ONCE = 100
TEXT = """\
{first}
{money}

{site}/videos/{id}

{prompt}
{facts}

You get a mail at the end of each video because you asked for it: {site}/account#notices
"""
SENDING = threading.BoundedSemaphore(2)
"""A mail server that does not answer must not hold up every thread that videos need."""


def ring() -> int:
    """Ring for each mail that is due, and again in a while; returns for how many."""
    now = datetime.now(UTC)
    due = Notice.mail_due_at <= now
    found = db.session.scalars(select(Notice.id).where(due).order_by(Notice.mail_due_at).limit(AT_ONCE)).all()
    release()
    rung = 0
    for notice_id in found:
        with transaction() as session:
            taken = session.scalar(
                update(Notice)
                .where(Notice.id == notice_id, due)
                .values(mail_due_at=now + RING_AGAIN)
                .returning(Notice.id)
                .execution_options(synchronize_session=False)
            )
        if taken is not None:
            rung += enqueue("tell", notice_id, job_id=f"tell-{notice_id}-{int(now.timestamp())}")
    return rung


def send(notice_id: int) -> None:
    """Send one mail, unless another is at it or has done it."""
    if not SENDING.acquire(blocking=False):
        return  # it is rung for again
    try:
        with transaction() as session:
            notice = _take(session, notice_id)
            letter = _letter(session, notice) if notice else None
        if notice and letter:
            release()
            _deliver(notice, letter)
    finally:
        SENDING.release()


def _take(session: Session, notice_id: int) -> Notice | None:
    """The notice, which is now ours to send; None where it was sent, or is in somebody else's hands."""
    now = datetime.now(UTC)
    return session.scalars(
        update(Notice)
        .where(Notice.id == notice_id, Notice.mail_due_at.is_not(None))
        .where(or_(Notice.mailed_at.is_(None), Notice.mailed_at <= now - TAKEN))
        .values(mailed_at=now, mail_due_at=now + TAKEN)
        .returning(Notice),
        execution_options={"populate_existing": True},
    ).one_or_none()


def _letter(session: Session, notice: Notice) -> dict[str, str] | None:
    """The mail of a notice; None where it is not wanted any more, which is then noted."""
    user, video = session.get_one(User, notice.user_id), session.get_one(Video, notice.video_id)
    if not user.notify_email or not user.active or video.hidden_at is not None:
        notice.mail_due_at, notice.mailed_at = None, None
        return None
    name, left = video.title or video.prompt, f"You have {_credits(user.credits)}."
    subject, first, money = {
        Kind.COMPLETED: (
            f"Your video is ready: {quoted(name)}",
            "Your video is ready.",
            f"It cost {_credits(video.credits)}. {left}",
        ),
        Kind.FAILED: (f"Your video failed: {quoted(name)}", f"Your video failed. {video.error_message}", left),
        Kind.LATE: (
            f"Your video finished after all: {quoted(name)}",
            "Your video finished after all. It is yours at no charge.",
            f"What it cost, {_credits(video.credits)}, came back before. {left}",
        ),
    }[Kind(notice.kind)]
    model = catalogue().model(video.model)
    facts = f"{model.name if model else video.model}, {video.seconds} s, {video.size.replace('x', ' × ')}"
    return {
        "to": user.email,
        "subject": subject,
        "id": f"video-{video.id}-{notice.kind}-{notice.created_at:%Y%m%d%H%M%S%f}",
        "text": TEXT.format(first=first, money=money, prompt=video.prompt, facts=facts, id=video.id, site=_site()),
    }


def _deliver(notice: Notice, letter: dict[str, str]) -> None:
    outcome: dict[str, datetime | None] = {"mail_due_at": None}
    try:
        deliver(settings().mail_url, letter)
    except OSError as error:  # what smtplib raises is one, too
        now = datetime.now(UTC)
        age = now - notice.created_at
        hopeless = age > GIVEN_UP_AFTER or (isinstance(error, SMTPRecipientsRefused) and _for_ever(error))
        again = None if hopeless else now + max(SHORTEST_PAUSE, age)
        log.error("the mail about video %s was not sent%s: %s", notice.video_id, "" if again else ", for good", error)
        outcome = {"mail_due_at": again, "mailed_at": None}
    with transaction() as session:
        session.execute(
            update(Notice)
            .where(Notice.id == notice.id, Notice.mailed_at == notice.mailed_at)
            .values(**outcome)
            .execution_options(synchronize_session=False)
        )


def _credits(number: int) -> str:
    return f"{number:,} credit{'' if number == 1 else 's'}"


def _for_ever(error: SMTPRecipientsRefused) -> bool:
    return all(code >= 500 for code, _ in error.recipients.values())


def _site() -> str:
    """Where this studio is reached. No request is at hand that could tell, so the settings do."""
    name = settings().trusted_hosts.partition(",")[0].strip().lstrip(".")
    scheme = "https" if settings().force_https else "http"
    return f"{scheme}://{name or f'127.0.0.1:{settings().port}'}"
