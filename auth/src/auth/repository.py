"""Every query about accounts and ended sessions."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from pymongo.errors import DuplicateKeyError

from auth.errors import EmailTaken
from auth.models import EndedSession, User
from auth.mongo import Document, Mongo, MongoSession, unavailable_when_away
from common.events import SessionsRevoked

_UNIQUE_EMAIL: Final = "unique_email"


class UserRepository:
    """The collections `users` and `ended_sessions`."""

    def __init__(self, mongo: Mongo) -> None:
        self._users = mongo.database["users"]
        self._ended = mongo.database["ended_sessions"]

    async def create_indexes(self) -> None:
        """Create what is missing; does nothing the second time."""
        await self._users.create_index("email", unique=True, name=_UNIQUE_EMAIL)
        await self._users.create_index("not_before", name="by_not_before")
        await self._ended.create_index(
            "expires_at", expireAfterSeconds=0, name="forget_expired"
        )

    async def add(
        self, user: User, created_at: datetime, session: MongoSession
    ) -> None:
        """Store a new account.

        Raises:
            EmailTaken: the unique index knows the e-mail.
        """
        document = {
            "_id": user.id,
            "email": user.email,
            "password_hash": user.password_hash,
            "not_before": user.not_before,
            "created_at": created_at,
        }
        try:
            await self._users.insert_one(document, session=session)
        except DuplicateKeyError as error:
            raise EmailTaken("there is an account with this e-mail already") from error

    async def find_by_email(self, email: str) -> User | None:
        """Return the account of a normalised e-mail, if there is one."""
        with unavailable_when_away():
            found = await self._users.find_one({"email": email})
        return _user(found) if found else None

    async def find(self, user_id: str) -> User | None:
        """Return an account by its id, if there is one."""
        with unavailable_when_away():
            found = await self._users.find_one({"_id": user_id})
        return _user(found) if found else None

    async def read(self, user_id: str, session: MongoSession) -> User | None:
        """Return an account as the transaction of ``session`` sees it."""
        found = await self._users.find_one({"_id": user_id}, session=session)
        return _user(found) if found else None

    async def record_sign_in(
        self, user: User, password_hash: str, signed_in_at: datetime
    ) -> bool:
        """Note the sign-in, and a stronger hash of the same password.

        Returns False, and changes nothing, if the password was changed since
        ``user`` was read.
        """
        with unavailable_when_away():
            done = await self._users.update_one(
                {"_id": user.id, "password_hash": user.password_hash},
                {
                    "$set": {
                        "password_hash": password_hash,
                        "signed_in_at": signed_in_at,
                    }
                },
            )
        return bool(done.matched_count)

    async def change_password(
        self,
        user: User,
        password_hash: str,
        not_before: datetime,
        session: MongoSession,
    ) -> bool:
        """Replace the hash and end all sessions; False if it was changed meanwhile."""
        done = await self._users.update_one(
            {"_id": user.id, "password_hash": user.password_hash},
            {"$set": {"password_hash": password_hash, "not_before": not_before}},
            session=session,
        )
        return bool(done.matched_count)

    async def end_all_sessions(
        self, user_id: str, not_before: datetime, session: MongoSession
    ) -> None:
        """End the sessions begun before ``not_before``; it never moves back."""
        await self._users.update_one(
            {"_id": user_id}, {"$max": {"not_before": not_before}}, session=session
        )

    async def end_session(self, ended: EndedSession, session: MongoSession) -> None:
        """Remember that one session is over, for as long as its token lives."""
        document = {
            "user_id": ended.user_id,
            "ended_at": ended.ended_at,
            "expires_at": ended.expires_at,
        }
        await self._ended.update_one(
            {"_id": ended.session_id}, {"$set": document}, upsert=True, session=session
        )

    async def is_ended(self, session_id: str) -> bool:
        """Tell whether this one session was signed out."""
        with unavailable_when_away():
            return await self._ended.find_one({"_id": session_id}) is not None

    async def revocations(self, since: datetime) -> AsyncIterator[SessionsRevoked]:
        """Yield what ended at or after ``since``: for a process that starts."""
        async for one in self._users.find({"not_before": {"$gte": since}}):
            yield SessionsRevoked(id=one["_id"], not_before=one["not_before"])
        async for one in self._ended.find({"ended_at": {"$gte": since}}):
            yield SessionsRevoked(
                id=one["user_id"], not_before=one["ended_at"], session_id=one["_id"]
            )


def _user(document: Document) -> User:
    return User(
        id=document["_id"],
        email=document["email"],
        password_hash=document["password_hash"],
        not_before=document["not_before"],
    )
