"""What may move credits. Entries are appended, never changed; amounts are signed integers."""

from enum import StrEnum


class Kind(StrEnum):
    GRANT = "grant"
    CHARGE = "charge"
    REFUND = "refund"


def signed(kind: Kind, credits: int) -> int:
    """The amount of an entry: a charge takes, a grant or a refund gives.

    Raises:
        ValueError: `credits` is negative, or zero for a grant.
    """
    if credits < 0 or (credits == 0 and kind is Kind.GRANT):
        raise ValueError("credits must be a positive whole number")
    return -credits if kind is Kind.CHARGE else credits
