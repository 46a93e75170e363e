"""What an operator decides: paid calls to be checked by hand, and whether the books add up."""

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from aivideo.core.errors import InvalidInput
from aivideo.services import audit, budget, doubts
from aivideo.web.access import require_admin

bp = Blueprint("back_office", __name__, url_prefix="/admin")


@bp.get("/checks")
def checks() -> str:
    require_admin()
    return render_template(
        "admin/checks.html",
        attempts=doubts.to_check(),
        elsewhere=doubts.elsewhere(),
        refused=doubts.refused_account(),
        budget=budget.current(),
    )


@bp.post("/checks/<int:attempt_id>/adopt")
def adopt(attempt_id: int) -> ResponseReturnValue:
    require_admin()
    try:
        doubts.adopt(attempt_id, request.form.get("job", ""))
    except InvalidInput as error:
        flash(str(error), "error")
    else:
        flash("The video follows this job now. If it is finished, its user gets it at no charge.", "success")
    return redirect("/admin/checks", 303)


@bp.post("/checks/<int:attempt_id>/dismiss")
def dismiss(attempt_id: int) -> ResponseReturnValue:
    require_admin()
    doubts.dismiss(attempt_id)
    flash("Noted: the provider never took it.", "success")
    return redirect("/admin/checks", 303)


@bp.get("/books")
def books() -> str:
    require_admin()
    users, entries = audit.size()
    return render_template("admin/books.html", problems=audit.check(), users=users, entries=entries)
