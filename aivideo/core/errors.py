"""Named errors of the domain. Each message is fit for the user; `web/errors.py` gives each an HTTP status."""


class DomainError(Exception):
    """Something the user asked for cannot be done; `str(error)` says why and what to do."""


class InvalidInput(DomainError):
    """One or more fields are wrong. `errors` maps a field to its messages."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        self.errors = errors
        super().__init__(" ".join(message for messages in errors.values() for message in messages))


class InsufficientCredits(DomainError):
    def __init__(self, needed: int, balance: int, videos: int = 1) -> None:
        self.needed, self.balance = needed, balance
        what = "This video costs" if videos == 1 else f"These {videos} videos cost"
        super().__init__(f"{what} {needed} credits and you have {balance}. Nothing was charged.")


class PlanCannotGenerate(DomainError):
    def __init__(self, plan: str) -> None:
        super().__init__(f"Your plan “{plan}” does not include generating videos. Nothing was charged.")


class RequestKeyReused(DomainError):
    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was already used for a different request. "
            "Send the first request unchanged, or use a new key."
        )


class BudgetSpent(DomainError):
    def __init__(self) -> None:
        super().__init__(
            "This studio has used up its budget for the month, so new videos are paused. Nothing was charged."
        )


class NotFound(DomainError):
    def __init__(self, what: str = "video") -> None:
        super().__init__(f"There is no such {what}.")


class AlreadyEnded(DomainError):
    def __init__(self) -> None:
        super().__init__("This video has already ended, so it cannot be cancelled.")


class NotReady(DomainError):
    def __init__(self) -> None:
        super().__init__("This video is not finished, so there is no file yet.")


class CannotRemix(DomainError):
    def __init__(self, why: str) -> None:
        super().__init__(why)


class CannotExtend(DomainError):
    def __init__(self, why: str) -> None:
        super().__init__(why)


class EmailTaken(DomainError):
    def __init__(self, email: str) -> None:
        super().__init__(f"There is already an account for {email}.")


class SignInRefused(DomainError):
    def __init__(self, why: str) -> None:
        super().__init__(why)
