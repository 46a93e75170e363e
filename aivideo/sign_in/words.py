"""What Flask-Security says, in our words."""

_SAID = {
    "GENERIC_AUTHN_FAILED": ("E-mail or password is wrong.", "error"),
    "EMAIL_NOT_PROVIDED": ("Enter your e-mail address.", "error"),
    "INVALID_EMAIL_ADDRESS": ("This is not an e-mail address. It looks like name@example.com.", "error"),
    "PASSWORD_NOT_PROVIDED": ("Enter a password.", "error"),
    "INVALID_PASSWORD": ("This is not your password.", "error"),
    "RETYPE_PASSWORD_MISMATCH": ("The two passwords are not the same.", "error"),
    "PASSWORD_IS_THE_SAME": ("This is the password you already have.", "error"),
    "DISABLED_ACCOUNT": ("This account is closed. Ask the operator of this studio.", "error"),
    "CONFIRMATION_REQUIRED": (
        "Confirm your address first: follow the link in the mail we sent you. No mail? Ask for another below.",
        "error",
    ),
    "CONFIRM_REGISTRATION": ("One step left: follow the link in the mail we sent to %(email)s.", "success"),
    "CONFIRMATION_REQUEST": (
        "If there is an account for %(email)s that is not confirmed, a mail with a link is on its way.",
        "info",
    ),
    "EMAIL_CONFIRMED": ("Your address is confirmed. Sign in to start.", "success"),
    "ALREADY_CONFIRMED": ("Your address is already confirmed. Sign in to start.", "info"),
    "INVALID_CONFIRMATION_TOKEN": ("This link is not valid. Ask for a new one.", "error"),
    "CONFIRMATION_EXPIRED": ("This link was good for %(within)s only. Ask for a new one.", "error"),
    "PASSWORD_RESET_REQUEST": (
        "If there is an account for %(email)s, a mail with a link to choose a new password is on its way.",
        "info",
    ),
    "INVALID_RESET_PASSWORD_TOKEN": ("This link is not valid any more. Ask for a new one.", "error"),
    "PASSWORD_RESET_EXPIRED": ("This link was good for %(within)s only. Ask for a new one.", "error"),
    "PASSWORD_RESET_NO_LOGIN": ("Your password is changed. Sign in with the new one.", "success"),
    "PASSWORD_CHANGE": ("Your password is changed. Everywhere else you are signed out.", "success"),
    "UNAUTHENTICATED": ("Sign in to go on.", "info"),
    "REAUTHENTICATION_REQUIRED": ("Sign in once more to do this.", "info"),
    "REAUTHENTICATION_SUCCESSFUL": ("Thank you. You may go on.", "info"),
    "ANONYMOUS_USER_REQUIRED": ("You are signed in already.", "info"),
}
_SUBJECTS = {
    "REGISTER": "Welcome to aivideo",
    "CONFIRM": "Confirm your address for aivideo",
    "PASSWORD_RESET": "Choose a new password for aivideo",
    "PASSWORD_NOTICE": "Your aivideo password was changed",
    "PASSWORD_CHANGE_NOTICE": "Your aivideo password was changed",
}

WORDS: dict[str, object] = {
    **{f"SECURITY_MSG_{key}": said for key, said in _SAID.items()},
    **{f"SECURITY_EMAIL_SUBJECT_{key}": subject for key, subject in _SUBJECTS.items()},
}
