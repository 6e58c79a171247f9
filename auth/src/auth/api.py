"""The routes of auth."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from auth.cookies import SessionCookie
from auth.keys import SigningKeys
from auth.schemas import (
    Answer,
    Credentials,
    KeySet,
    NewAccount,
    PasswordChange,
    SessionUser,
)
from auth.service import Accounts
from common.identity import CurrentUser, OptionalUser
from common.web import refusals

PREFIX: Final = "/api/users"
_KEYS_SECONDS: Final = 300


async def _accounts(request: Request, response: Response) -> Accounts:
    response.headers["Cache-Control"] = "no-store"
    accounts: Accounts = request.state.accounts
    return accounts


async def _cookie(request: Request) -> SessionCookie:
    cookie: SessionCookie = request.state.cookie
    return cookie


async def _address(request: Request) -> str:
    # uvicorn has put the address that a trusted proxy reports here; what others
    # write into X-Forwarded-For it does not believe.
    return request.client.host if request.client else ""


UseCases = Annotated[Accounts, Depends(_accounts)]
Cookie = Annotated[SessionCookie, Depends(_cookie)]
Address = Annotated[str, Depends(_address)]

router = APIRouter(prefix=PREFIX, tags=["users"])


@router.post("/signup", status_code=201, responses=refusals(409, 429))
async def sign_up(
    body: NewAccount,
    accounts: UseCases,
    cookie: Cookie,
    address: Address,
    response: Response,
) -> Answer[SessionUser]:
    issued = await accounts.sign_up(body.email, body.password, address)
    cookie.set(response, issued)
    return Answer(message="signed up", data=SessionUser.of(issued.session))


@router.post("/signin", responses=refusals(401, 429))
async def sign_in(
    body: Credentials,
    accounts: UseCases,
    cookie: Cookie,
    address: Address,
    response: Response,
) -> Answer[SessionUser]:
    issued = await accounts.sign_in(body.email, body.password, address)
    cookie.set(response, issued)
    return Answer(message="signed in", data=SessionUser.of(issued.session))


@router.post("/signout")
async def sign_out(
    session: CurrentUser, accounts: UseCases, cookie: Cookie, response: Response
) -> Answer[None]:
    await accounts.sign_out(session)
    cookie.delete(response)
    return Answer(message="signed out", data=None)


@router.post("/signout-everywhere")
async def sign_out_everywhere(
    session: CurrentUser, accounts: UseCases, cookie: Cookie, response: Response
) -> Answer[None]:
    await accounts.sign_out_everywhere(session)
    cookie.delete(response)
    return Answer(message="signed out everywhere", data=None)


@router.post("/password", responses=refusals(429))
async def change_password(
    body: PasswordChange,
    session: CurrentUser,
    accounts: UseCases,
    cookie: Cookie,
    address: Address,
    response: Response,
) -> Answer[SessionUser]:
    issued = await accounts.change_password(
        session,
        current=body.current_password,
        new=body.new_password,
        address=address,
    )
    cookie.set(response, issued)
    return Answer(message="password changed", data=SessionUser.of(issued.session))


@router.get("/currentuser")
async def current_user(
    session: OptionalUser, response: Response
) -> Answer[SessionUser | None]:
    response.headers["Cache-Control"] = "no-store"
    if session is None:
        return Answer(message="nobody is signed in", data=None)
    return Answer(message="signed in", data=SessionUser.of(session))


@router.get("/.well-known/jwks.json")
async def public_keys(request: Request, response: Response) -> KeySet:
    keys: SigningKeys = request.state.keys
    response.headers["Cache-Control"] = f"public, max-age={_KEYS_SECONDS}"
    return KeySet(keys=keys.public()["keys"])
