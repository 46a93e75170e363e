"""Flask-Security's forms, where its words or its rules are not ours."""

from typing import Any

from flask import current_app
from flask_security import ForgotPasswordForm, LoginForm, RegisterFormV2

from aivideo.sign_in.next_page import own_page


class SignInForm(LoginForm):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.next.data = own_page(self.next.data)  # elsewhere is forgotten; it is no reason to refuse a sign-in

    def validate(self, **options: Any) -> bool:
        right = super().validate(**options)
        if not right and self.user_authenticated:
            # The password was right, so what is in the way may be said instead of “email or password is wrong”.
            self.form_errors.extend(self.email.errors)
            self.email.errors = []
        return bool(right)


class RegistrationForm(RegisterFormV2):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.next.data = own_page(self.next.data)

    def validate(self, **options: Any) -> bool:
        right = super().validate(**options)
        if self.existing_email_user and not current_app.extensions["security"].confirmable:
            # Without mail a registration signs in at once, so an address that is taken cannot be kept a secret.
            self.form_errors.append(f"There is already an account for {self.email.data}. Sign in instead.")
        return bool(right)


class ForgottenPasswordForm(ForgotPasswordForm):
    """Also for an account that is not confirmed: whoever follows the link has the address."""

    def validate(self, **options: Any) -> bool:
        right = super().validate(**options)
        if not right and self.requires_confirmation:
            self.email.errors = []
            return True
        return bool(right)
