"""The operator's commands: `flask --app wsgi users|credits|tokens|videos|ledger …`."""

import sys
from typing import Any, NoReturn

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy.exc import OperationalError, ProgrammingError

from aivideo.adapters import settings
from aivideo.config import SIGNUP_NOTE
from aivideo.core.errors import DomainError, NotFound
from aivideo.extensions import bind_migrations
from aivideo.models import User
from aivideo.services import accounts, credits, videos


class Commands(AppGroup):
    """A group whose errors are one line and an exit code, for scripts as well as for people."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            _fail(error.format_message())
        except DomainError as error:
            _fail(str(error))
        except (OperationalError, ProgrammingError) as error:
            _fail(f"the database does not answer, or is not migrated (`flask db upgrade`): {error.orig}")


users = Commands("users", help="Accounts.")
credits_group = Commands("credits", help="Credits of a user.")
tokens = Commands("tokens", help="API tokens.")
videos_group = Commands("videos", help="Videos under way.")
ledger = Commands("ledger", help="The books.")


def init_app(app: Flask) -> None:
    """Register every command group."""
    app.cli.commands.pop("roles", None)  # Flask-Security's own users and roles know nothing of plans and credits
    for group in (users, credits_group, tokens, videos_group, ledger):
        app.cli.add_command(group)
    if click.get_current_context(silent=True):  # `flask` loads the app for a command, perhaps for one of these
        bind_migrations(app)


def _fail(message: str) -> NoReturn:
    click.echo(f"aivideo: {' '.join(message.split())}", err=True)
    sys.exit(1)


def _user(email: str) -> User:
    user = accounts.find(email)
    if user is None:
        raise NotFound(f"user as {email}")
    return user


def _signup() -> tuple[str, int]:
    """What a new account gets: as the settings say, or `make run`, which has other defaults, while it works here."""
    usual, note = settings(), settings().data_dir / SIGNUP_NOTE
    plan, _, given = (note.read_text() if note.exists() else "").rpartition(" ")
    told = usual.model_fields_set
    return (
        usual.signup_plan if "signup_plan" in told or not plan else plan,
        usual.signup_credits if "signup_credits" in told or not given else int(given),
    )


@users.command("create")
@click.argument("email")
@click.option("--password", required=True)
@click.option("--plan", help="A plan of the catalogue; SIGNUP_PLAN where left out.")
@click.option(
    "--credits", "given", type=click.IntRange(0, credits.LARGEST_BALANCE), help="SIGNUP_CREDITS where left out."
)
@click.option("--admin", is_flag=True, help="May open /admin.")
def create_user(email: str, password: str, plan: str | None, given: int | None, admin: bool) -> None:
    """Make an account that can sign in at once."""
    if not password:
        _fail("--password is empty: allowed is any password of 1 or more characters")
    usual_plan, usual_credits = _signup()
    given = usual_credits if given is None else given
    user = accounts.create(email, password, plan=plan or usual_plan, credits=given, admin=admin)
    role = ", admin" if admin else ""
    click.echo(f"Made {user.email}: plan {user.plan}, {_count(user.credits, 'credit')}{role}.")


@users.command("list")
def list_users() -> None:
    """Every account: id, address, plan, credits, and what is special about it."""
    for user in accounts.everybody():
        special = [
            word
            for word, holds in (("admin", user.is_admin), ("closed", not user.active), ("google", user.google_sub))
            if holds
        ]
        click.echo(f"{user.id:>6}  {user.email:<40} {user.plan:<12} {user.credits:>10}  {' '.join(special)}".rstrip())


@credits_group.command("grant", context_settings={"ignore_unknown_options": True})  # or −5 would be an option
@click.argument("email")
@click.argument("number", metavar="N", type=click.IntRange(min=1))
@click.option("--note", default="", help="Shown to the user beside the credits.")
def grant(email: str, number: int, note: str) -> None:
    """Give N credits to a user."""
    balance = credits.grant(_user(email).id, number, note)
    click.echo(f"{email} has {_count(balance, 'credit')} now.")


@tokens.command("create")
@click.argument("email")
@click.option("--name", default="command line", help="What it is for; shown on the account page.")
def create_token(email: str, name: str) -> None:
    """Make an API token; it is the last line of the output, and not shown again."""
    click.echo(accounts.issue_token(_user(email).id, name))


@videos_group.command("recover")
def recover() -> None:
    """One pass of the recovery that also runs by itself in every worker."""
    for thing, number in videos.recover().items():
        click.echo(f"{thing}: {number}")


@ledger.command("check")
def check() -> None:
    """Whether the books add up; fails where they do not."""
    problems = credits.check()
    for problem in problems:
        click.echo(problem)
    if problems:
        _fail(f"the books do not add up: {_count(len(problems), 'problem')}")
    people, entries = credits.size()
    click.echo(f"The books add up: {_count(people, 'user')}, {_count(entries, 'entry', 'entries')}.")


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
