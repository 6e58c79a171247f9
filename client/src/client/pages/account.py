"""Signing up, in and out, and the account's own page."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from client.api_types import Problem
from client.backend import ServiceProblem
from client.forms import Form, sentence
from client.navigation import safe_next
from client.pages.routes import PageRoute
from client.rendering import Page, render, see_other
from client.visiting import (
    GatewayDep,
    Reader,
    SignInNeeded,
    VisitorDep,
    find_reader,
)
from client.wording import throttled_words

router = APIRouter(route_class=PageRoute)

_MAX_EMAIL = 255


@router.get("/signin")
async def sign_in_page(
    request: Request, gateway: GatewayDep, visitor: VisitorDep
) -> Response:
    return await _entrance(request, gateway, visitor, template="signin.html")


@router.get("/signup")
async def sign_up_page(
    request: Request, gateway: GatewayDep, visitor: VisitorDep
) -> Response:
    return await _entrance(request, gateway, visitor, template="signup.html")


@router.post("/signin")
async def sign_in(
    request: Request, gateway: GatewayDep, visitor: VisitorDep
) -> Response:
    form, password = await _read_credentials(request)
    if not form.errors:
        try:
            cookies = await gateway.sign_in(visitor, form.values["email"], password)
        except ServiceProblem as error:
            return _refused(request, "signin.html", form, problem=error.problem)
        return see_other(form.values["next"], cookies=cookies)
    return _refused(request, "signin.html", form)


@router.post("/signup")
async def sign_up(
    request: Request, gateway: GatewayDep, visitor: VisitorDep
) -> Response:
    form, password = await _read_credentials(request)
    if not form.errors:
        try:
            cookies = await gateway.sign_up(visitor, form.values["email"], password)
        except ServiceProblem as error:
            return _refused(request, "signup.html", form, problem=error.problem)
        target = form.values["next"]
        where = "/?notice=signed-up" if target == "/" else target
        return see_other(where, cookies=cookies)
    return _refused(request, "signup.html", form)


@router.post("/signout")
async def sign_out(gateway: GatewayDep, visitor: VisitorDep) -> Response:
    return await _sign_out(gateway, visitor, everywhere=False)


@router.post("/signout-everywhere")
async def sign_out_everywhere(gateway: GatewayDep, visitor: VisitorDep) -> Response:
    return await _sign_out(gateway, visitor, everywhere=True)


@router.get("/account")
async def account(
    request: Request, gateway: GatewayDep, visitor: VisitorDep
) -> HTMLResponse:
    reader = await find_reader(gateway, visitor)
    if reader.user is None and reader.is_known:
        raise SignInNeeded("/account")
    return render(request, Page("account.html", reader, {"form": Form({})}))


@router.post("/account/password")
async def change_password(
    request: Request, gateway: GatewayDep, visitor: VisitorDep
) -> Response:
    sent = await request.form()
    current, new = str(sent.get("current", "")), str(sent.get("new", ""))
    form = Form({})
    if not current:
        form.errors["current"] = "Type the password you have now."
    if not new:
        form.errors["new"] = "Type the password you want."
    if not form.errors:
        try:
            cookies = await gateway.change_password(visitor, current, new)
        except ServiceProblem as error:
            _explain_password(form, error)
        else:
            return see_other("/account?notice=password-changed", cookies=cookies)
    reader = await find_reader(gateway, visitor)
    return render(request, Page("account.html", reader, {"form": form}, status=422))


async def _entrance(
    request: Request, gateway: GatewayDep, visitor: VisitorDep, *, template: str
) -> Response:
    target = safe_next(request.query_params.get("next"))
    reader = await find_reader(gateway, visitor)
    # A service that no longer takes the session sends people here with `ended`,
    # although auth may still know them: sending them back would go on for ever.
    ended = "ended" in request.query_params
    if reader.user is not None and not ended:
        return see_other(target)
    form = Form({"email": "", "next": target})
    problem = "Your session has ended. Please sign in again." if ended else None
    data = {"form": form, "problem": problem}
    return render(request, Page(template, reader, data))


async def _sign_out(
    gateway: GatewayDep, visitor: VisitorDep, *, everywhere: bool
) -> Response:
    notice = "signed-out-everywhere" if everywhere else "signed-out"
    try:
        cookies = await gateway.sign_out(visitor, everywhere=everywhere)
    except ServiceProblem as error:
        # Without a session there is nothing left to sign out of.
        if error.problem.status != 401:
            raise
        cookies = []
    return see_other(f"/?notice={notice}", cookies=cookies)


async def _read_credentials(request: Request) -> tuple[Form, str]:
    sent = await request.form()
    email, password = str(sent.get("email", "")), str(sent.get("password", ""))
    target = safe_next(str(sent.get("next", "")))
    form = Form({"email": email.strip()[:_MAX_EMAIL], "next": target})
    if not form.values["email"]:
        form.errors["email"] = "Type your e-mail address."
    if not password:
        form.errors["password"] = "Type a password."  # noqa: S105 - a message
    return form, password


def _refused(
    request: Request, template: str, form: Form, *, problem: Problem | None = None
) -> HTMLResponse:
    """The form again, with what was typed (but never the password) and why."""
    message = "Please correct the marked fields."
    if problem is not None:
        form.add_service_errors(problem.errors)
        message = _words(problem)
    status = problem.status if problem else 422
    data = {"form": form, "problem": message}
    return render(request, Page(template, Reader(), data, status=status))


def _words(problem: Problem) -> str:
    match problem.status:
        case 401:
            return "That e-mail and password do not match an account."
        case 409:
            return "There already is an account with this e-mail. Sign in instead."
        case 429:
            return throttled_words(problem)
        case 400 | 422:
            return "Please correct the marked fields."
    raise ServiceProblem(problem)


def _explain_password(form: Form, error: ServiceProblem) -> None:
    problem = error.problem
    names = {"current_password": "current", "new_password": "new"}
    for found in problem.errors:
        form.errors[names.get(found.field, "new")] = sentence(found.message)
    if problem.status == 429:
        form.errors["current"] = throttled_words(problem)
    elif problem.status in (400, 401, 403) and not form.errors:
        form.errors["current"] = "That is not your present password."
    elif not form.errors:
        raise error
