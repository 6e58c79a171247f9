"""The application of auth and its wiring."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI

from auth import api
from auth.cookies import SessionCookie
from auth.keys import SigningKeys
from auth.mongo import Mongo
from auth.outbox import MongoOutbox
from auth.passwords import PasswordHashing
from auth.repository import UserRepository
from auth.service import Accounts
from auth.settings import Settings
from auth.throttle import Throttle
from auth.tokens import TokenIssuer
from common.background import background
from common.clock import now
from common.identity import Revocations, TokenVerifier
from common.identity.revocations import TOKEN_LIFETIME
from common.runtime import Messaging, bus_of
from common.web import create_service_app


def create_app(settings: Settings) -> FastAPI:
    """Build the application; nothing is opened before it starts."""
    keys = SigningKeys.load(settings.jwt_signing_keys.get_secret_value())

    def lifespan(_: FastAPI) -> AbstractAsyncContextManager[dict[str, Any]]:
        return _running(settings, keys)

    return create_service_app(
        title="Ticketing: accounts",
        prefix=api.PREFIX,
        routers=[api.router],
        lifespan=lifespan,
    )


@asynccontextmanager
async def _running(
    settings: Settings, keys: SigningKeys
) -> AsyncIterator[dict[str, Any]]:
    async with AsyncExitStack() as stack:
        mongo = Mongo(settings)
        stack.push_async_callback(mongo.close)
        passwords = _passwords(settings)
        stack.callback(passwords.close)
        accounts = Accounts(
            mongo=mongo,
            users=UserRepository(mongo),
            outbox=MongoOutbox(mongo),
            passwords=passwords,
            throttle=Throttle(mongo, settings),
            issuer=TokenIssuer(keys, session_seconds=settings.session_seconds),
            revocations=Revocations(),
        )
        await stack.enter_async_context(background("prepare-store", _prepare(accounts)))
        messaging = _messaging(settings, accounts)
        await stack.enter_async_context(messaging.running())
        yield {
            "accounts": accounts,
            "cookie": SessionCookie(secure=settings.cookie_secure),
            "keys": keys,
            "verifier": TokenVerifier(keys, accounts.revocations),
            "messaging": messaging,
            "pings": {"database": mongo.ping, "messaging": messaging.ping},
        }


def _passwords(settings: Settings) -> PasswordHashing:
    return PasswordHashing(
        memory_kib=settings.password_memory_kib,
        iterations=settings.password_iterations,
        threads=settings.password_threads,
        queue=settings.password_queue,
    )


def _messaging(settings: Settings, accounts: Accounts) -> Messaging:
    messaging = Messaging(
        bus_of("auth", settings),
        streams=["USERS"],
        outbox=accounts.outbox,
        # A replay has to tell of every session that was ended and whose token lives.
        retention=TOKEN_LIFETIME,
        revocations=accounts.revocations,
    )
    accounts.mongo.after_commit(messaging.wake)
    return messaging


async def _prepare(accounts: Accounts) -> None:
    async def remember_revocations() -> None:
        # The stream says the same, but NATS may be away when we start.
        since = now() - TOKEN_LIFETIME
        async for event in accounts.users.revocations(since):
            accounts.revocations.add(event)

    await accounts.mongo.prepare(
        accounts.users.create_indexes,
        accounts.outbox.create_indexes,
        accounts.throttle.create_indexes,
        remember_revocations,
    )
