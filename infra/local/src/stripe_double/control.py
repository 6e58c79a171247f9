"""The control API under `/_double/`: what a test or a person may force.

It takes and gives JSON, asks for no key, and has no counterpart at Stripe.
"""

from dataclasses import asdict
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stripe_double import challenges, disputes, events, forcing, refunds
from stripe_double.account import Account, Endpoint, shown
from stripe_double.chaos import Chaos
from stripe_double.errors import StripeError


class Authentication(BaseModel):
    """What the buyer does with an open 3-D Secure challenge."""

    model_config = ConfigDict(extra="forbid")
    outcome: Literal["complete", "fail"] = "complete"


class NewDispute(BaseModel):
    """A dispute of an intent's captured charge."""

    model_config = ConfigDict(extra="forbid")
    payment_intent: str
    reason: str = "fraudulent"


class DisputeEnd(BaseModel):
    """How a dispute ends."""

    model_config = ConfigDict(extra="forbid")
    status: Literal["won", "lost"] = "lost"


class Settlement(BaseModel):
    """What becomes of a refund."""

    model_config = ConfigDict(extra="forbid")
    outcome: Literal["succeeded", "failed"] = "failed"


class WebhookEndpoint(BaseModel):
    """Where webhooks go from now on."""

    model_config = ConfigDict(extra="forbid")
    url: str
    secret: str | None = None


class Control:
    """The handlers; each changes the account in one transaction."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """Every address of the control API."""
        table = (
            ("GET", "/chaos", self.get_chaos),
            ("PUT", "/chaos", self.put_chaos),
            ("PATCH", "/chaos", self.patch_chaos),
            ("POST", "/reset", self.reset),
            ("GET", "/requests", self.list_requests),
            ("PUT", "/endpoint", self.put_endpoint),
            ("GET", "/deliveries", self.list_deliveries),
            ("POST", "/deliveries/release", self.release),
            ("POST", "/deliveries/hurry", self.hurry),
            ("POST", "/events/{id}/redeliver", self.redeliver),
            ("POST", "/payment_intents/{id}/authenticate", self.authenticate),
            ("POST", "/payment_intents/{id}/force", self.force),
            ("POST", "/refunds/{id}/settle", self.settle),
            ("POST", "/disputes", self.open_dispute),
            ("POST", "/disputes/{id}/close", self.close_dispute),
        )
        return [
            Route(f"/_double{path}", handler, methods=[method])
            for method, path, handler in table
        ]

    async def get_chaos(self, _: Request) -> Response:
        """The knobs as they are."""
        return JSONResponse(self._account.chaos.model_dump())

    async def put_chaos(self, request: Request) -> Response:
        """Set every knob; those not named are at rest."""
        return self._set_chaos(Chaos.model_validate_json(await request.body() or "{}"))

    async def patch_chaos(self, request: Request) -> Response:
        """Set the named knobs, leave the others."""
        changed = {**self._account.chaos.model_dump(), **await request.json()}
        return self._set_chaos(Chaos.model_validate(changed))

    def _set_chaos(self, chaos: Chaos) -> Response:
        self._account.chaos = chaos
        if chaos.reorder == 0:
            self._account.deliveries.release()
            self._account.wake.set()
        return JSONResponse(chaos.model_dump())

    async def reset(self, _: Request) -> Response:
        """A double as new: no objects, no keys, no deliveries, no chaos."""
        with self._account.store.transaction():
            self._account.store.clear()
        self._account.chaos = Chaos()
        self._account.journal.clear()
        return Response(status_code=204)

    async def list_requests(self, _: Request) -> Response:
        """The latest calls of the API, oldest first."""
        return JSONResponse([asdict(entry) for entry in self._account.journal])

    async def put_endpoint(self, request: Request) -> Response:
        """Send webhooks to this address from now on."""
        wanted = WebhookEndpoint.model_validate_json(await request.body())
        secret = wanted.secret or self._account.endpoint.secret
        self._account.endpoint = Endpoint(wanted.url, secret)
        return Response(status_code=204)

    async def list_deliveries(self, _: Request) -> Response:
        """Every delivery and how far it got, oldest first."""
        return JSONResponse([asdict(one) for one in self._account.deliveries.all()])

    async def release(self, _: Request) -> Response:
        """Send what is held for reordering, newest first."""
        released = self._account.deliveries.release()
        self._account.wake.set()
        return JSONResponse({"released": released})

    async def hurry(self, _: Request) -> Response:
        """Send everything pending now, delays and retry waits notwithstanding."""
        hurried = self._account.deliveries.hurry()
        self._account.wake.set()
        return JSONResponse({"hurried": hurried})

    async def redeliver(self, request: Request) -> Response:
        """Send one more copy of an event, past all chaos."""
        events.redeliver(self._account, request.path_params["id"])
        return Response(status_code=202)

    async def authenticate(self, request: Request) -> Response:
        """Complete or fail the open challenge of an intent, without a browser."""
        wanted = Authentication.model_validate_json(await request.body() or "{}")
        intent = self._account.get("payment_intent", request.path_params["id"])
        with self._account.store.transaction():
            changed = challenges.finish(
                self._account,
                str(intent.get("_challenge")),
                authenticated=wanted.outcome == "complete",
            )
        return JSONResponse(shown(changed))

    async def force(self, request: Request) -> Response:
        """Change an intent behind everybody's back."""
        wanted = forcing.Force.model_validate_json(await request.body())
        with self._account.store.transaction():
            intent = self._account.get("payment_intent", request.path_params["id"])
            forcing.force(self._account, intent, wanted)
        return JSONResponse(shown(intent))

    async def settle(self, request: Request) -> Response:
        """Make a refund succeed or fail, now."""
        wanted = Settlement.model_validate_json(await request.body() or "{}")
        with self._account.store.transaction():
            refund = self._account.get("refund", request.path_params["id"])
            refunds.settle(self._account, refund, wanted.outcome)
        return JSONResponse(shown(refund))

    async def open_dispute(self, request: Request) -> Response:
        """Dispute the captured charge of an intent."""
        wanted = NewDispute.model_validate_json(await request.body())
        with self._account.store.transaction():
            intent = self._account.get("payment_intent", wanted.payment_intent)
            charge = self._account.get("charge", str(intent["latest_charge"]))
            dispute = disputes.open_dispute(self._account, charge, reason=wanted.reason)
        return JSONResponse(dispute, 201)

    async def close_dispute(self, request: Request) -> Response:
        """End a dispute."""
        wanted = DisputeEnd.model_validate_json(await request.body() or "{}")
        with self._account.store.transaction():
            dispute = self._account.get("dispute", request.path_params["id"])
            disputes.close_dispute(self._account, dispute, wanted.status)
        return JSONResponse(dispute)


async def refused(_: Request, error: Exception) -> Response:
    """A refused control call in Stripe's own error form."""
    if isinstance(error, StripeError):
        return JSONResponse(error.body(), error.status)
    raise error


async def malformed(_: Request, error: Exception) -> Response:
    """A control call whose JSON is not what its model says."""
    if isinstance(error, ValidationError):
        details = error.errors(include_url=False, include_context=False)
        return JSONResponse({"error": {"message": str(details)}}, 422)
    raise error
