"""Whether those who watch still may: looked up when a session or a token has ended, and regularly."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from aivideo.core.video import ACCESS_CHANNEL
from aivideo.stream import reads
from aivideo.stream.channels import Channel, Message

if TYPE_CHECKING:
    from aivideo.stream.hub import Hub


class AccessChannel(Channel):
    """The one channel that every hub listens to. What comes in ends no stream: it is a reason to ask the database."""

    __slots__ = ("_doubted", "_hub")

    def __init__(self, hub: "Hub") -> None:
        super().__init__(0, ACCESS_CHANNEL)
        self._hub = hub
        self._doubted: set[int] = set()

    def takes(self, message: Any) -> bool:
        return isinstance(message, dict) and isinstance(message.get("user"), int)

    def offer(self, messages: Iterable[Message]) -> bool:
        users = {message["user"] for message in messages}
        with self.lock:
            self._doubted |= users
        return bool(users)

    def look(self) -> None:
        """Send away whoever may no longer watch, of the users in doubt; where nobody is, of all.

        They are told to come back, as at the end of a process: then they are refused in words.
        """
        with self.lock:
            doubted, self._doubted = self._doubted, set()
        viewers = [
            viewer
            for viewer in self._hub.viewers()
            if viewer.credential is not None and (not doubted or viewer.user_id in doubted)
        ]
        good = reads.good_credentials(self._hub.app, {viewer.credential for viewer in viewers})
        for viewer in viewers:
            if viewer.credential not in good:
                viewer.end(viewer.audience.drain())
