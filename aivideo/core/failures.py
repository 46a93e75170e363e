"""The published rule: for each way a video can end badly, what the user reads and whether the credits come back.

This table is the text on the page and in the API docs as well as the code that refunds.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    code: str
    title: str
    message: str
    """For people: what happened and what to do. What happened to the credits is added by `explain`."""
    refunded: bool = True


FAILURES: dict[str, Failure] = {
    failure.code: failure
    for failure in (
        Failure(
            "invalid_input",
            "The provider did not accept the request",
            "The provider did not accept this request. Change it and try again.",
        ),
        Failure(
            "moderation_blocked",
            "Refused by moderation, before or after rendering",
            "The provider refused this prompt (moderation). Change the prompt and try again.",
        ),
        Failure(
            "provider_error",
            "The provider failed",
            "The provider could not make this video. Try again in a moment.",
        ),
        Failure(
            "timeout",
            "The provider took too long",
            "The provider did not finish in time. If it finishes later, you get the video at no charge.",
        ),
        Failure(
            "outcome_unknown",
            "Nobody can say whether the provider took the request",
            "The connection broke and the provider cannot tell us whether it took the request.",
        ),
        Failure(
            "provider_lost",
            "The provider lost the video",
            "The provider no longer knows this video. Try again.",
        ),
        Failure(
            "expired",
            "The finished video could not be fetched before it expired",
            "The finished video could not be fetched before the provider deleted it. Try again.",
        ),
        Failure(
            "queue_timeout",
            "The wait for a free place was too long",
            "The provider had no room for this video within the longest wait. Try again later.",
        ),
        Failure(
            "internal",
            "Our own fault",
            "Something went wrong on our side. Try again; if it happens again, tell the operator.",
        ),
    )
}
CANCELLED_BEFORE = Failure("cancelled", "Cancelled before it was sent", "You cancelled this video before it was sent.")
CANCELLED_AFTER = Failure(
    "cancelled_after_submission",
    "Cancelled after it was sent",
    "You cancelled this video after it had been sent to the provider and paid for.",
    refunded=False,
)


SOURCE_LOST = "The provider no longer has the video that this one was to be made from."
CANNOT_REMIX = "This provider cannot change a finished video by words."
CANNOT_EXTEND = "This provider cannot go on with a finished video."
"""More exactly than a failure's own message, where it is known."""


def explain(failure: Failure, credits: int, instead: str | None = None) -> str:
    """The failure, or `instead` of its message, with what happened to the credits: `… Your 100 credits are back.`"""
    unit = "credit is" if credits == 1 else "credits are"
    return f"{instead or failure.message} Your {credits} {unit} {'back' if failure.refunded else 'spent'}."


def rules() -> list[Failure]:
    """Every row of the published table, in the order it is shown."""
    return [*FAILURES.values(), CANCELLED_BEFORE, CANCELLED_AFTER]
