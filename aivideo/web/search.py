"""The library's search: what its form sent, as what the service wants and as an address to share."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from aivideo.services.videos import Wanted

LONGEST = 200
SORT_WORDS = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "longest": "Longest first",
    "dearest": "Most credits first",
}


@dataclass(frozen=True)
class Search:
    """The fields of the form as they are shown in it, each "" where nothing is chosen."""

    q: str = ""
    status: str = ""
    model: str = ""
    size: str = ""
    since: str = ""
    until: str = ""
    favourite: str = ""
    picture: str = ""
    sort: str = ""

    @classmethod
    def sent(cls, values: MultiDict[str, str]) -> "Search":
        """What a visitor chose; what is no day is left out."""
        chosen = {name: _clean(values.get(name, "")) for name in cls.__dataclass_fields__}
        for day in ("since", "until"):
            chosen[day] = chosen[day] if _day(chosen[day]) else ""
        return cls(**chosen)

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            words=self.q,
            status=self.status or None,
            model=self.model or None,
            size=self.size or None,
            since=_day(self.since),
            until=_day(self.until),
            favourite=bool(self.favourite),
            with_picture=bool(self.picture),
            sort=self.sort or "newest",
        )

    @property
    def narrowed(self) -> bool:
        """Whether some videos are left out."""
        return any(value for name, value in vars(self).items() if name != "sort")

    def address(self, **more: str | None) -> str:
        """Of this search's page; `more` is added to it."""
        chosen = {name: value for name, value in {**vars(self), **more}.items() if value}
        return f"/videos?{urlencode(chosen)}" if chosen else "/videos"


def _clean(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text[:LONGEST]).split())


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
