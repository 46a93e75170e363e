"""What a user looks for among their videos: found by words, filters and days, in every order, page by page."""

import itertools
from datetime import UTC, date, datetime

import pytest
from marks import on_both_databases

from aivideo.core.errors import InvalidInput, NotFound
from aivideo.extensions import db
from aivideo.models import Video
from aivideo.services import videos
from aivideo.services.videos import Wanted
from aivideo.transaction import transaction


@pytest.fixture
def shelf(app, alice, bob):
    """Twelve videos of Alice's, unlike each other, and one of Bob's."""

    def row(number: int, user_id: int = alice.id) -> Video:
        return Video(
            user_id=user_id,
            prompt=f"Über den Dächern, 100% rain_{number}" if number % 2 else f"A <b>cat</b> number {number}",
            title="A quiet evening" if number == 4 else None,
            model="sora-2" if number % 3 else "sora-2-pro",
            size="1280x720" if number % 4 else "720x1280",
            seconds=(4, 8, 12)[number % 3],
            credits=(50, 100)[number % 2],
            status="completed" if number < 10 else "failed",
            stage="ended",
            favourite=number in (2, 5, 7),
            picture_name="reference.jpg" if number in (3, 4) else None,
            created_at=datetime(2026, 11, number + 1, 23, 59, tzinfo=UTC),
        )

    with transaction() as session:
        session.add_all([row(number) for number in range(12)] + [row(1, bob.id)])
    return alice


def numbers(user, wanted: Wanted, limit: int = 100) -> list[int]:
    """What is found, page by page; Alice's first video is number 0."""
    found: list[int] = []
    cursor = None
    for _ in range(20):
        page = videos.page(user.id, wanted, limit=limit, cursor=cursor)
        assert len(page.videos) == limit or page.next is None
        found += [video.id - 1 for video in page.videos]
        cursor = page.next
        if cursor is None:
            return found
    raise AssertionError("it never ends")


@on_both_databases
def test_each_filter_finds_what_it_says_and_they_narrow_each_other(shelf):
    for wanted, expected in (
        (Wanted(words="cat"), [10, 8, 6, 4, 2, 0]),
        (Wanted(words="  number   CAT "), [10, 8, 6, 4, 2, 0]),
        (Wanted(words="<b>cat</b> number 1"), [10]),
        # The tests' Postgres knows ASCII only (--locale=C).
        (Wanted(words="über DÄCHERN"), [11, 9, 7, 5, 3, 1] if db.engine.dialect.name == "sqlite" else []),
        (Wanted(words="Über Dächern"), [11, 9, 7, 5, 3, 1]),
        (Wanted(words="100%"), [11, 9, 7, 5, 3, 1]),
        (Wanted(words="%"), [11, 9, 7, 5, 3, 1]),
        (Wanted(words="rain_1"), [11, 1]),
        (Wanted(words="r_in"), []),
        (Wanted(words="evening"), [4]),
        (Wanted(words="evening cat"), [4]),
        (Wanted(words="' OR 1=1 --"), []),
        (Wanted(status="failed"), [11, 10]),
        (Wanted(model="sora-2-pro"), [9, 6, 3, 0]),
        (Wanted(size="720x1280"), [8, 4, 0]),
        (Wanted(favourite=True), [7, 5, 2]),
        (Wanted(with_picture=True), [4, 3]),
        (Wanted(since=date(2026, 11, 10)), [11, 10, 9]),
        (Wanted(until=date(2026, 11, 2)), [1, 0]),
        (Wanted(since=date(2026, 11, 4), until=date(2026, 11, 4)), [3]),
        (Wanted(words="rain", favourite=True, model="sora-2"), [7, 5]),
        (Wanted(model="nobody's"), []),
    ):
        assert numbers(shelf, wanted) == expected, wanted


@on_both_databases
def test_every_order_goes_from_page_to_page_without_a_gap_or_a_repetition(shelf):
    everything = numbers(shelf, Wanted())
    assert everything == list(range(11, -1, -1))
    assert numbers(shelf, Wanted(sort="oldest")) == everything[::-1]
    for sort, key in (("longest", "seconds"), ("dearest", "credits")):
        found = [db.session.get(Video, number + 1) for number in numbers(shelf, Wanted(sort=sort))]
        places = [(getattr(video, key), video.id) for video in found]
        assert places == sorted(places, reverse=True)
    for sort, limit in itertools.product(videos.SORTS, (1, 5, 6)):
        whole = numbers(shelf, Wanted(sort=sort))
        assert sorted(whole) == list(range(12))
        assert numbers(shelf, Wanted(sort=sort), limit) == whole
        assert numbers(shelf, Wanted(sort=sort, favourite=True), 1) == [one for one in whole if one in (2, 5, 7)]


def test_what_is_not_allowed_is_said(shelf):
    for field, named in (
        ("limit", {"limit": 101}),
        ("cursor", {"cursor": "x"}),
        ("cursor", {"cursor": "8.1"}),
        ("cursor", {"cursor": "1", "wanted": Wanted(sort="longest")}),
        ("cursor", {"cursor": "-1"}),
        ("status", {"status": "nonsense"}),
        ("sort", {"wanted": Wanted(sort="id; drop table")}),
    ):
        with pytest.raises(InvalidInput) as refused:
            videos.page(shelf.id, **named)
        assert list(refused.value.errors) == [field]


def test_only_ones_own_are_marked_and_renamed(shelf, bob):
    videos.mark(shelf.id, [1, 13], favourite=True)
    videos.mark(shelf.id, [3], favourite=False)
    assert numbers(shelf, Wanted(favourite=True)) == [7, 5, 0]
    assert numbers(bob, Wanted(favourite=True)) == []
    videos.rename(shelf.id, 1, "  A\x00 new\n title  ")
    assert videos.get(shelf.id, 1).title == "A new title"
    videos.rename(shelf.id, 1, " \t ")
    assert videos.get(shelf.id, 1).title is None
    with pytest.raises(NotFound):
        videos.rename(shelf.id, 13, "Not hers")
    with pytest.raises(InvalidInput):
        videos.rename(shelf.id, 1, "x" * 121)


def test_a_page_is_found_by_an_index_whatever_is_looked_for(shelf):
    from sqlalchemy import text

    from aivideo.services.videos import shelf as service

    for wanted in (Wanted(), Wanted(sort="oldest"), Wanted(words="cat", status="failed"), Wanted(sort="dearest")):
        query = service._found(shelf.id, wanted).limit(25).compile(db.engine, compile_kwargs={"literal_binds": True})
        plan = " ".join(row.detail for row in db.session.execute(text(f"EXPLAIN QUERY PLAN {query}")))
        assert "ix_videos_user" in plan, plan
        assert "SCAN" not in plan, plan
