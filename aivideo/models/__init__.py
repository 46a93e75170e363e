"""TABLES: columns, constraints and select builders; no rules, no commit."""

from aivideo.models.accounts import ApiToken, Role, SignIn, User, roles_users
from aivideo.models.attempts import Attempt, Gate
from aivideo.models.events import Event
from aivideo.models.leases import Lease
from aivideo.models.ledger import LedgerEntry
from aivideo.models.notices import Notice
from aivideo.models.prompts import PinnedPrompt
from aivideo.models.videos import Video

__all__ = [
    "ApiToken",
    "Attempt",
    "Event",
    "Gate",
    "Lease",
    "LedgerEntry",
    "Notice",
    "PinnedPrompt",
    "Role",
    "SignIn",
    "User",
    "Video",
    "roles_users",
]
