"""Viewers whose connections break, and a Redis that comes back empty: nothing is lost, nothing told twice."""

import random
import threading

from followers import LogFollower, StateFollower, account
from servers import wait_until
from stream_servers import House

LINES = 60
PER_STREAM = 4
MOST_READS = 12


def test_nothing_is_lost_while_viewers_are_cut_and_redis_comes_back_empty(house: House) -> None:
    dice = random.Random(11)

    def stays() -> list[int]:
        return [dice.randint(1, MOST_READS) for _ in range(10_000)]

    user, token = house.writer.user()
    videos = [house.writer.video(user) for _ in range(2)]
    paths = [path.format(video) for video in videos for path in ("/api/v1/videos/{}/stream", "/videos/{}/stream")]
    logs = [LogFollower(house.url + path, token, stays=stays()) for path in paths for _ in range(PER_STREAM)]
    states = [StateFollower(f"{house.url}/stream", token, stays=stays()) for _ in range(PER_STREAM)]
    everybody = [*logs, *states]
    for follower in everybody:
        follower.start()

    def write(video: int) -> None:
        house.writer.lines(video, LINES)

    def write_a_third() -> None:
        writing = [threading.Thread(target=write, args=(video,)) for video in videos]
        for thread in writing:
            thread.start()
        for thread in writing:
            thread.join()

    write_a_third()
    house.redis.kill()
    write_a_third()
    house.redis.start()
    # A heartbeat is a read as well, so it comes for everybody, however much one read brought.
    wait_until(lambda: min(follower.connections for follower in everybody) > 1, what="a cut for each")
    write_a_third()
    for video in videos:
        house.writer.end(video)
    final = dict.fromkeys(videos, (3 * LINES + 1, "completed"))
    for follower in states:
        wait_until(lambda follower=follower: follower.latest() == final, 60, "the last state of every video")
        follower.leave()
    for follower in everybody:
        follower.join(60)
        assert not follower.is_alive(), follower.url
    assert account(logs, lambda url: 3 * LINES + 1) == {}
    assert [follower.steps_back() for follower in states] == [[]] * len(states)
    assert [follower.refused for follower in everybody] == [[]] * len(everybody)
