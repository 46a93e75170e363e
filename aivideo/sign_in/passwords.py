"""What a password must be, and hashing it without stopping the streams."""

from functools import partial
from typing import Any

from flask_security import PasswordUtil
from passlib.context import CryptContext

from aivideo.offload import off_the_event_loop

SHORTEST, LONGEST = 8, 200


class Passwords(PasswordUtil):
    """The rule is length and nothing else: rules on characters make passwords worse."""

    def validate(self, password: str, is_register: bool, **_: Any) -> tuple[list[str] | None, str]:
        normal = self.normalize(password)
        if len(normal) < SHORTEST:
            return [f"Use at least {SHORTEST} characters; this one has {len(normal)}."], normal
        if len(normal) > LONGEST:
            return [f"Use at most {LONGEST} characters; this one has {len(normal)}."], normal
        return None, normal


class OffloadedHashing(CryptContext):  # type: ignore[misc]
    """Hashes and checks passwords off the event loop: argon2 is slow on purpose."""

    def hash(self, secret: str | bytes, **options: Any) -> str:
        hashed: str = off_the_event_loop(partial(super().hash, secret, **options))
        return hashed

    def verify(self, secret: str | bytes, hash: str | bytes | None, **options: Any) -> bool:
        return bool(off_the_event_loop(partial(super().verify, secret, hash, **options)))
