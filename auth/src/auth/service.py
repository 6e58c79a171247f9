"""The use cases of auth."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from auth import emails, password_policy
from auth.errors import EmailTaken, SessionEnded, WrongCredentials
from auth.metrics import SIGN_INS, SIGN_UPS
from auth.models import EndedSession, User, revocation_moment
from auth.mongo import Mongo, MongoSession
from auth.outbox import MongoOutbox
from auth.passwords import PasswordHashing
from auth.repository import UserRepository
from auth.throttle import Attempt, Throttle
from auth.tokens import IssuedSession, TokenIssuer
from common.clock import now
from common.errors import InvalidInput, TooManyRequests
from common.events import SessionsRevoked, UserSignedUp
from common.identity import Revocations, Session
from common.ids import new_id
from common.telemetry import logger

log = logger(__name__)


@dataclass(frozen=True)
class Accounts:
    """What people can do with their account and their sessions."""

    mongo: Mongo
    users: UserRepository
    outbox: MongoOutbox
    passwords: PasswordHashing
    throttle: Throttle
    issuer: TokenIssuer
    revocations: Revocations

    async def sign_up(self, email: str, password: str, address: str) -> IssuedSession:
        """Create an account; an e-mail has one at most, whoever asks at once.

        Raises:
            EmailTaken: there is an account with this e-mail.
            TooManyAttempts: too many accounts were made from this address.
        """
        await self.throttle.admit_sign_up(address)
        # Only to save the work of hashing: the unique index decides.
        if await self.users.find_by_email(email) is not None:
            raise EmailTaken("there is an account with this e-mail already")
        hashed = await self.passwords.hash(password)
        created_at = now()
        user = User(new_id(), email, hashed)
        event = UserSignedUp(id=user.id, display_name=emails.display_name(email))

        async def store(session: MongoSession) -> None:
            await self.users.add(user, created_at, session)
            await self.outbox.add(event, session)

        await self.mongo.transaction(store)
        issued = self._issue(user)
        SIGN_UPS.inc()
        log.info("signed_up", user_id=user.id, session_id=issued.session.session_id)
        return issued

    async def sign_in(self, email: str, password: str, address: str) -> IssuedSession:
        """Begin a session; who fails learns nothing about which accounts exist.

        Raises:
            WrongCredentials: no such user, or another password.
            TooManyAttempts: too many wrong tries.
        """
        attempt = Attempt(email, address)
        await self._admit(attempt)
        user = await self.users.find_by_email(email)
        stored = user.password_hash if user else None
        verified = await self.passwords.verify(stored, password)
        if user is None or not verified.is_right:
            raise self._refused(user, address)
        hashed = user.password_hash
        if verified.is_weak:
            hashed = await self.passwords.hash(password)
        issued = self._issue(user)
        # Whoever changes the password ends sessions begun before: this one is
        # begun before the write that fails if the password has been changed.
        if not await self.users.record_sign_in(user, hashed, now()):
            raise self._refused(user, address)
        await self.throttle.succeeded(attempt)
        SIGN_INS.labels("accepted").inc()
        log.info(
            "signed_in",
            user_id=user.id,
            session_id=issued.session.session_id,
            address=address,
            rehashed=verified.is_weak,
        )
        return issued

    async def sign_out(self, session: Session) -> None:
        """End this one session, everywhere, before its token expires.

        Raises:
            SessionEnded: it is over already.
        """
        await self._require_live(session)
        ended_at = revocation_moment(now())
        ended = EndedSession(
            session.session_id, session.user_id, ended_at, session.expires_at
        )
        event = SessionsRevoked(
            id=session.user_id, not_before=ended_at, session_id=session.session_id
        )

        async def store(transaction: MongoSession) -> SessionsRevoked:
            await self.users.end_session(ended, transaction)
            await self.outbox.add(event, transaction)
            return event

        await self._revoke(store)
        log.info("signed_out", user_id=session.user_id, session_id=session.session_id)

    async def sign_out_everywhere(self, session: Session) -> None:
        """End all sessions of the caller, this one included.

        Raises:
            SessionEnded: the caller's session is over already.
        """
        await self._require_live(session)
        event = SessionsRevoked(id=session.user_id, not_before=revocation_moment(now()))

        async def store(transaction: MongoSession) -> SessionsRevoked:
            await self.users.end_all_sessions(event.id, event.not_before, transaction)
            await self.outbox.add(event, transaction)
            return event

        await self._revoke(store)
        log.info("signed_out_everywhere", user_id=session.user_id)

    async def change_password(
        self, session: Session, *, current: str, new: str, address: str
    ) -> IssuedSession:
        """Replace the password; every session but the one returned is over.

        Raises:
            InvalidInput: the current password is wrong, or the new one refused.
            SessionEnded: the caller's session is over already.
            TooManyAttempts: too many wrong tries.
        """
        user = await self._require_live(session)
        if refused := password_policy.refusal(new, email=user.email):
            raise InvalidInput("new_password", refused)
        attempt = Attempt(user.email, address)
        await self._admit(attempt)
        if not (await self.passwords.verify(user.password_hash, current)).is_right:
            log.warning("password_change_refused", user_id=user.id, address=address)
            raise InvalidInput("current_password", "this is not your password")
        await self.throttle.succeeded(attempt)
        changed = await self._replace_hash(user, await self.passwords.hash(new))
        log.info("password_changed", user_id=user.id, address=address)
        return self._issue(changed)

    async def _replace_hash(self, user: User, hashed: str) -> User:
        async def store(transaction: MongoSession) -> SessionsRevoked:
            # Reading first fixes what the transaction sees: a sign-in recorded
            # later conflicts with it, one recorded before began before.
            await self.users.read(user.id, transaction)
            event = SessionsRevoked(id=user.id, not_before=revocation_moment(now()))
            if not await self.users.change_password(
                user, hashed, event.not_before, transaction
            ):
                raise SessionEnded("the password was changed meanwhile")
            await self.outbox.add(event, transaction)
            return event

        event = await self._revoke(store)
        return replace(user, password_hash=hashed, not_before=event.not_before)

    async def _revoke(
        self, store: Callable[[MongoSession], Awaitable[SessionsRevoked]]
    ) -> SessionsRevoked:
        event = await self.mongo.transaction(store)
        # At once here; the other replicas hear of it through the event.
        self.revocations.add(event)
        return event

    async def _require_live(self, session: Session) -> User:
        """Return the caller, after asking the database whether the session lives.

        Only `currentuser`, which is asked all the time, relies on what this
        process remembers; what changes something asks the record itself.
        """
        user = await self.users.find(session.user_id)
        if (
            user is None
            or user.ended(session.issued_at)
            or await self.users.is_ended(session.session_id)
        ):
            raise SessionEnded("the session was ended")
        return user

    async def _admit(self, attempt: Attempt) -> None:
        try:
            await self.throttle.admit(attempt)
        except TooManyRequests:
            SIGN_INS.labels("throttled").inc()
            log.warning("sign_in_throttled", address=attempt.address)
            raise

    def _refused(self, user: User | None, address: str) -> WrongCredentials:
        SIGN_INS.labels("refused").inc()
        user_id = user.id if user else None
        log.warning("sign_in_refused", user_id=user_id, address=address)
        return WrongCredentials("invalid credentials")

    def _issue(self, user: User) -> IssuedSession:
        issued_at = user.first_moment_after(now())
        return self.issuer.issue(user.id, user.email, issued_at=issued_at)
