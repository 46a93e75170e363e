"""A user's account: plan, credits, notices, sessions, API tokens. Flask-Security has the pages with passwords."""

from typing import Any

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user
from flask_security import login_user, logout_user
from werkzeug.wrappers import Response

from aivideo.adapters import catalogue, settings
from aivideo.core.errors import SignInRefused
from aivideo.models import User
from aivideo.services import accounts, google_accounts, notices, sign_ins, usage
from aivideo.sign_in import sessions
from aivideo.sign_in.next_page import own_page
from aivideo.web import google
from aivideo.web.access import require_user

bp = Blueprint("accounts", __name__)
LATEST, A_PAGE = 8, 50
"""Movements of credits on the account's own page, and on a page of them."""
NEXT, CONNECT = "google_next", "google_connect"


@bp.get("/account")
def show() -> str:
    return _page(require_user())


@bp.get("/account/credits")
def movements() -> str:
    user = require_user()
    before = request.args.get("before", "")
    cursor = int(before) if before.isascii() and before.isdecimal() and len(before) < 10 else None
    return render_template("accounts/credits.html", user=user, movements=usage.movements(user.id, A_PAGE, cursor))


@bp.post("/account/notices")
def choose_notices() -> Response:
    wanted = request.form
    notices.choose(require_user().id, email="notify_email" in wanted, browser="notify_browser" in wanted)
    flash("Your choice is kept.", "success")
    return redirect(url_for(".show", _anchor="notices"), 303)


@bp.post("/account/sessions/<int:sign_in_id>/end")
def end_session(sign_in_id: int) -> Response:
    sign_ins.end(require_user().id, sign_in_id)
    if sign_in_id == sessions.this_one():
        logout_user()
        return redirect(url_for("security.login"), 303)
    flash("That browser is signed out.", "success")
    return redirect(url_for(".show", _anchor="sessions"), 303)


@bp.post("/account/tokens")
def make_token() -> Response:
    user = require_user()
    token = accounts.issue_token(user.id, request.form.get("name", ""))
    answer = make_response(_page(user, new_token=token), 201)
    answer.headers["Cache-Control"] = "no-store"  # it is shown once, not again by the back button
    return answer


@bp.post("/account/tokens/<int:token_id>/revoke")
def revoke_token(token_id: int) -> Response:
    accounts.revoke_token(require_user().id, token_id)
    flash("The token is revoked. Whatever used it is locked out.", "success")
    return redirect(url_for(".show"), 303)


@bp.post("/account/sign-out-everywhere")
def sign_out_everywhere() -> Response:
    accounts.sign_out_everywhere(require_user().id)
    logout_user()
    flash("You are signed out everywhere. API tokens still work.", "success")
    return redirect(url_for("security.login"), 303)


@bp.post("/account/google")
def connect_google() -> Response:
    _google_or_404()
    session[CONNECT] = require_user().id
    return _to_google()


@bp.post("/account/google/disconnect")
def disconnect_google() -> Response:
    user = require_user()
    try:
        google_accounts.disconnect(user.id)
        flash("Google no longer signs you in here.", "success")
    except SignInRefused as refused:
        flash(str(refused), "error")
    return redirect(url_for(".show"), 303)


@bp.get("/login/google")
def sign_in_with_google() -> Response:
    _google_or_404()
    session.pop(CONNECT, None)
    session[NEXT] = own_page(request.args.get("next")) or "/"
    return _to_google()


@bp.get("/login/google/callback")
def google_callback() -> Response:
    _google_or_404()
    connecting, back = session.pop(CONNECT, None), session.pop(NEXT, "/")
    try:
        who = google.identity()
        if connecting is not None and connecting == getattr(current_user, "id", None):
            google_accounts.connect(connecting, who.sub)
            flash("Google signs you in from now on.", "success")
            return redirect(url_for(".show"))
        _sign_in(google_accounts.sign_in(who.sub, who.email, verified=who.verified), "google")
    except google.GoogleFailed as failed:
        return _refused(str(failed), failed.status)
    except SignInRefused as refused:
        return _refused(str(refused), 403)
    return redirect(back)


@bp.post("/login/demo")
def demo() -> Response:
    """One click into the demo account: only where `make run` has set its password."""
    password = settings().demo_password
    if not password:
        abort(404)
    _sign_in(accounts.demo(password), "demo")
    return redirect(own_page(request.args.get("next")) or "/", 303)


def _page(user: User, **values: Any) -> str:
    return render_template(
        "accounts/show.html",
        user=user,
        plan=catalogue().plan(user.plan),
        use=usage.by_day(user.id),
        movements=usage.movements(user.id, LATEST),
        sign_ins=sign_ins.of(user.id),
        this_one=sessions.this_one(),
        tokens=accounts.tokens(user.id),
        google=bool(settings().google_client_id),
        mail=bool(settings().mail_url),
        **values,
    )


def _sign_in(user: User, way: str) -> None:
    if current_user.is_authenticated:
        logout_user()  # of whoever was signed in here before, who may have been somebody else
    login_user(user, authn_via=[way])


def _to_google() -> Response:
    try:
        return google.to_google(url_for(".google_callback", _external=True))
    except google.GoogleFailed as failed:
        return _refused(str(failed), failed.status)


def _refused(why: str, status: int) -> Response:
    return make_response(render_template("accounts/sign_in_failed.html", why=why), status)


def _google_or_404() -> None:
    if not settings().google_client_id:
        abort(404)
