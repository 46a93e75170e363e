"""The whole chain under fire: random interleavings, faults and crashes between any two steps, on both databases.

Whatever happens, nobody pays twice, nothing paid for is lost, and no clip is shown to the wrong user.
"""

import contextlib
import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from marks import on_both_databases
from provider_inside import plug_in, time_passes, work_off
from sqlalchemy import event, select

from aivideo.core.errors import DomainError
from aivideo.extensions import db
from aivideo.models import Attempt, LedgerEntry, User, Video
from aivideo.providers.base import ProviderError
from aivideo.transaction import transaction

PROMPTS = ("A lighthouse in a storm, seen from the sea", "A paper boat drifts down a gutter")
FAULTS = [
    ("drop", "create"),
    ("drop_before", "create"),
    ("server_error", "create"),
    ("html", "create"),
    ("truncated", "create"),
    ("break_off", "create"),
    ("rate_limited", "create"),
    ("overloaded", "create"),
    ("quota", "create"),
    ("unauthorised", "create"),
    ("sentinel_block", "create"),
    ("invalid", "create"),
    ("moderation_blocked", "create"),
    ("no_route", "list"),
    ("invalid", "list"),
    ("no_prompts", "list"),
    ("server_error", "list"),
    ("drop", "list"),
    ("drop", "retrieve"),
    ("server_error", "retrieve"),
    ("html", "retrieve"),
    ("not_found", "retrieve"),
    ("other_id", "retrieve"),
    ("failed_as_http_error", "retrieve"),
    ("forget", "retrieve"),
    ("html", "content"),
    ("break_off", "content"),
    ("not_ready", "content"),
    ("expired", "content"),
    ("wrong_file", "content"),
]


class Killed(BaseException):
    """The process was killed here: nothing catches it, nothing after it runs."""


class Fuse:
    """Burns down at every commit and every call to the outside; kills whoever lets it reach zero."""

    def __init__(self) -> None:
        self.left: int | None = None

    def burn(self, *_: object) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.left = None
                raise Killed


class Watched:
    """The real client, with a note of what each video bought and a fuse around each call."""

    def __init__(self, client, simulator, fuse):
        self._client, self._simulator, self._fuse = client, simulator, fuse
        self.name, self.base_url, self.account = client.name, client.base_url, client.account
        self.bought: dict[str, int] = {}
        self.buyer: int | None = None
        self.unreachable = 0

    def create(self, request, *, deadline, before_send=None):
        self._fuse.burn()
        if self.unreachable:
            self.unreachable -= 1
            raise ProviderError("connection", "Connection refused.", sent=False)
        try:
            job = self._client.create(request, deadline=deadline, before_send=before_send)
        finally:
            for purchase in self._simulator.purchases():
                self.bought.setdefault(purchase["id"], self.buyer)
        self._fuse.burn()
        return job

    def __getattr__(self, name):
        def call(*arguments, **options):
            self._fuse.burn()
            answer = getattr(self._client, name)(*arguments, **options)
            self._fuse.burn()
            return answer

        return call


class Chain(RuleBasedStateMachine):
    """Two users, two prompts, one provider that misbehaves, and a clock that we move."""

    database: str
    redis_url: str
    clip: Path
    made = Bundle("made")

    @initialize()
    def set_up(self):
        from aivideo.app import create_app
        from aivideo.services import accounts

        self.folder = Path(tempfile.mkdtemp(prefix="chain-"))
        self.app = create_app(
            {
                "DATA_DIR": self.folder,
                "DATABASE_URL": self.database,
                "REDIS_URL": self.redis_url,
                "SECRET_KEY": "x" * 32,
                "SIGNUP_PLAN": "creator",
                "SIGNUP_CREDITS": 2000,
                "LOG_LEVEL": "ERROR",
                "MOCK_SORA_SECONDS": 0,
                "GENERATION_RETRIES": 2,
            }
        )
        self.context = self.app.app_context()
        self.context.push()
        self._empty()
        self.fuse = Fuse()
        self.simulator = plug_in(self.app, self.folder, self.clip)
        client = self.app.extensions["provider"]
        self.provider = Watched(client, self.simulator, self.fuse)
        self.app.extensions["provider"] = self.provider
        event.listen(db.session, "before_commit", self.fuse.burn)
        bell = self.app.extensions["doorbell"]
        ring = bell.call
        bell.call = lambda action: (self.fuse.burn(), ring(action))[1]  # killed after a commit, before it is told
        self.users = [accounts.create(f"{name}@example.com", None).id for name in ("alice", "bob")]

    @rule(
        target=made,
        user=st.integers(0, 1),
        prompt=st.sampled_from(PROMPTS),
        key=st.sampled_from([None, None, "k1", "k2"]),
        count=st.sampled_from([1, 1, 1, 2]),
        crash=st.integers(0, 4),
    )
    def request(self, user, prompt, key, count, crash):
        from aivideo.services import videos

        order = self.app.extensions["catalogue"].order(prompt, seconds=4)
        with self._may_be_killed(crash), contextlib.suppress(DomainError):
            receipt = videos.request(self.users[user], order, key=key, count=count)
            return multiple(*((self.users[user], video_id) for video_id in receipt.video_ids))
        return multiple()

    @rule(target=made, source=made, prompt=st.sampled_from(PROMPTS), extend=st.booleans(), crash=st.integers(0, 4))
    def go_on(self, source, prompt, extend, crash):
        from aivideo.services import videos

        user, source_id = source
        with self._may_be_killed(crash), contextlib.suppress(DomainError):
            if extend:
                order = videos.extension_order(user, source_id, prompt, 4)
                return (user, videos.request(user, order, extended_from_id=source_id).video_id)
            order = videos.remix_order(user, source_id, prompt)
            return (user, videos.request(user, order, remixed_from_id=source_id).video_id)
        return multiple()

    @rule(fault=st.sampled_from(FAULTS), count=st.integers(1, 3))
    def misbehave(self, fault, count):
        kind, operation = fault
        self.simulator.faults.tell(kind, operation=operation, count=count)

    @rule(count=st.integers(1, 4))
    def be_unreachable(self, count):
        self.provider.unreachable = count

    @rule()
    def behave(self):
        self.provider.unreachable = 0
        self.simulator.faults.clear()

    @rule(video=made, crash=st.integers(0, 12))
    def submit(self, video, crash):
        from aivideo.services import videos

        self.provider.buyer = video[1]
        with self._may_be_killed(crash):
            videos.submit(video[1])

    @rule(crash=st.integers(0, 8))
    def poll(self, crash):
        from aivideo.services import videos

        with self._may_be_killed(crash):
            videos.poll()

    @rule(video=made, crash=st.integers(0, 8))
    def save(self, video, crash):
        from aivideo.services import videos

        with self._may_be_killed(crash):
            videos.save(video[1])

    @rule(video=made, crash=st.integers(0, 3))
    def cancel(self, video, crash):
        from aivideo.services import videos

        with self._may_be_killed(crash), contextlib.suppress(DomainError):
            videos.cancel(*video)

    @rule(video=made, undo=st.sampled_from([0, 30]))
    def delete(self, video, undo):
        from aivideo.services import videos

        with contextlib.suppress(DomainError):
            videos.delete(*video, undo=timedelta(seconds=undo))

    @rule(video=made)
    def restore(self, video):
        from aivideo.services import videos

        with contextlib.suppress(DomainError):
            videos.restore(*video)

    @rule(seconds=st.sampled_from([1, 16, 35, 70, 400, 1300, 4000]))
    def time_passes(self, seconds):
        time_passes(seconds)

    @rule(crash=st.integers(0, 6))
    def recover(self, crash):
        from aivideo.services import videos

        with self._may_be_killed(crash):
            videos.recover()

    @rule()
    def work(self):
        self._work()

    @invariant()
    def books_add_up(self):
        if not hasattr(self, "users"):
            return
        db.session.rollback()
        for user in db.session.scalars(select(User).execution_options(populate_existing=True)):
            entries = db.session.scalars(LedgerEntry.of(user.id)).all()
            assert user.credits == sum(entry.amount for entry in entries) >= 0
        kinds = Counter(
            (entry.video_id, entry.kind) for entry in db.session.scalars(select(LedgerEntry)) if entry.video_id
        )
        assert all(count == 1 for count in kinds.values())
        for video in db.session.scalars(select(Video).execution_options(populate_existing=True)):
            assert kinds[video.id, "charge"] == 1
        db.session.rollback()

    @invariant()
    def nothing_is_bought_twice(self):
        if hasattr(self, "provider"):
            bought = Counter(buyer for buyer in self.provider.bought.values())
            assert all(count == 1 for count in bought.values()), bought

    def teardown(self):
        if not hasattr(self, "users"):
            return
        try:
            self.behave()
            for _ in range(80):
                self._work()
                if not self._under_way():
                    break
                time_passes(40)
            assert not self._under_way(), [(v.id, v.stage, v.due_at, v.waiting_reason) for v in self._under_way()]
            time_passes(40)
            self._work()
            self.books_add_up()
            self.nothing_is_bought_twice()
            self._every_video_ended_well_or_was_refunded()
        finally:
            event.remove(db.session, "before_commit", self.fuse.burn)
            db.session.remove()
            db.engine.dispose()
            self.app.extensions["doorbell"].client.close()
            self.context.pop()
            shutil.rmtree(self.folder)

    def _every_video_ended_well_or_was_refunded(self):
        from aivideo.adapters import storage

        for video in db.session.scalars(select(Video)):
            refunds = db.session.scalars(
                select(LedgerEntry).where(LedgerEntry.video_id == video.id, LedgerEntry.kind == "refund")
            ).all()
            jobs = [a.provider_job_id for a in db.session.scalars(Attempt.accepted(video.id))]
            assert all(self._bought_for(job, video) for job in jobs)
            if video.status == "completed":
                assert jobs
                assert storage().exists(video.file_name) == (video.hidden_at is None)
                assert video.late == bool(refunds)
            elif video.status == "failed":
                assert len(refunds) == 1
            else:
                assert bool(refunds) == (not jobs)

    def _bought_for(self, job, video):
        """A job is shown to its buyer, or to one whose request in words was the very same and equally in doubt."""
        buyer = self.provider.bought[job]
        if buyer == video.id:
            return True
        other = db.session.get(Video, buyer)
        same = ("prompt", "size", "seconds", "model", "remixed_from_id", "extended_from_id")
        return all(getattr(other, name) == getattr(video, name) for name in same)

    def _under_way(self):
        db.session.rollback()
        return db.session.scalars(
            select(Video).where(Video.stage != "ended").execution_options(populate_existing=True)
        ).all()

    def _work(self):
        work_off(self.app, self._note_buyer)

    def _note_buyer(self, job):
        if job.func_name.endswith("submit"):
            self.provider.buyer = job.args[0]

    @contextlib.contextmanager
    def _may_be_killed(self, crash):
        self.fuse.left = crash or None
        try:
            yield
        except Killed:
            db.session.remove()
        except ProviderError as error:
            raise AssertionError("a ProviderError left the services") from error
        finally:
            self.fuse.left = None

    def _empty(self):
        self.app.extensions["doorbell"].client.flushall()
        with transaction() as session:
            for table in reversed(db.metadata.sorted_tables):
                session.execute(table.delete())


@on_both_databases
@pytest.mark.timeout(600)
def test_nobody_pays_twice_and_nothing_paid_for_is_lost(database, redis_url, clip, request):
    machine = type("Case", (Chain,), {"database": database, "redis_url": redis_url, "clip": clip})
    examples = 40 if "sqlite" in database else 15
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=35,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
