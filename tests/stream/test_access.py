"""A stream ends at once when the right to watch does: signed out everywhere, a token revoked, a video deleted."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from stream_servers import House
from streams import Listener
from talks import Talk, page

SLOW = 50
"""Seconds between two regular looks: what comes sooner was told."""
RESTART = 1012


class Watched:
    """A user, a video under way, and every kind of stream of it, opened by session and by each of two tokens."""

    def __init__(self, house: House, stack: ExitStack) -> None:
        from aivideo.services import accounts

        self.house = house
        self.user, token = house.writer.user()
        self.video = house.writer.video(self.user, lines=1)
        with house.writer.inside():
            other = accounts.issue_token(self.user)
            self.tokens = [token.id for token in accounts.tokens(self.user)]
        rights = {"first": bearer(token), "second": bearer(other), "session": page(house, self.user).headers}
        paths = (f"/api/v1/videos/{self.video}/stream", f"/videos/{self.video}/stream", "/stream")
        self.streams: dict[str, list[Listener]] = {}
        self.talks: dict[str, list[Talk]] = {}
        for who, headers in rights.items():
            self.streams[who] = [stack.enter_context(house.listen(path, "", headers=headers)) for path in paths]
            queries = (f"?video={self.video}", "")
            self.talks[who] = [
                stack.enter_context(Talk(f"{house.url}/ws{query}", headers=headers)) for query in queries
            ]
        self.wait_for_all(1)

    def wait_for_all(self, number: int) -> None:
        for streams in self.streams.values():
            for stream in streams:
                stream.until(lambda stream: len(stream.messages) >= number)
        for talks in self.talks.values():
            for talk in talks:
                talk.until(lambda talk: len(talk.news) >= number)

    def wait_for_the_end(self, who: str) -> None:
        """Of one's streams, with a word that brings them back, so that they are refused by a status."""
        for stream in self.streams.pop(who):
            assert stream.until_end().named == ["drain"], stream.raw
        for talk in self.talks.pop(who):
            assert talk.until_closed().code == RESTART
            assert talk.about[-1] == "drain"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def close_account(user_id: int) -> None:
    from aivideo.models import User
    from aivideo.transaction import transaction

    with transaction() as session:
        user = session.get(User, user_id)
        assert user is not None
        user.active = False


def test_streams_end_one_right_after_the_other_and_those_of_the_other_rights_go_on(house: House) -> None:
    from aivideo.services import accounts

    with ExitStack() as stack:
        watched = Watched(house, stack)
        with house.writer.inside():
            accounts.revoke_token(watched.user, watched.tokens[0])
        watched.wait_for_the_end("first")
        with house.silent.inside():  # Redis is away, or has lost it: the regular look finds out
            accounts.sign_out_everywhere(watched.user)
        watched.wait_for_the_end("session")
        house.writer.line(watched.video, "for who is left")
        watched.wait_for_all(2)
        with house.writer.inside():
            close_account(watched.user)
        watched.wait_for_the_end("second")


def test_it_is_told_and_not_looked_for(serve: Callable[..., House]) -> None:
    from aivideo.services import accounts, sign_ins, videos

    house = serve(STREAM_HEARTBEAT_SECONDS=SLOW)
    with ExitStack() as stack:
        watched, others = Watched(house, stack), Watched(house, stack)
        with house.writer.inside():
            (session,) = sign_ins.of(watched.user)
            sign_ins.end(watched.user, session.id)
        watched.wait_for_the_end("session")
        with house.writer.inside():
            accounts.revoke_token(watched.user, watched.tokens[1])
        watched.wait_for_the_end("second")
        with house.writer.inside():
            videos.delete(watched.user, watched.video)
        for stream in watched.streams["first"][:2]:
            assert stream.until_end().named in ([], ["done"])
        assert watched.talks["first"][0].until_closed().about[-1] == "done"
        house.writer.line(others.video, "for everybody else")
        others.wait_for_all(2)


def test_a_video_is_deleted_while_it_is_not_known_whether_it_was_taken(serve: Callable[..., House]) -> None:
    from aivideo.services import videos

    house = serve(STREAM_HEARTBEAT_SECONDS=SLOW)
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1, stage="submitting")
    with house.listen(f"/videos/{video}/stream", token) as stream:
        stream.until(lambda stream: stream.messages)
        with house.writer.inside():
            videos.delete(user, video)
        assert stream.until_end().named == ["done"]


def test_what_anybody_publishes_there_ends_nothing(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    with house.listen(f"/videos/{video}/stream", token) as stream:
        stream.until(lambda stream: stream.messages)
        told: list[Any] = ["nonsense", "[]", '{"user": null}', f'{{"user": {user}}}']
        house.publish("access", *told)
        house.writer.line(video, "still here")
        stream.until(lambda stream: len(stream.messages) == 2)
        assert stream.named == []
