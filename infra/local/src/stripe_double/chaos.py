"""The knobs of the double: faults a test or a person asks for."""

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt


class Fault(BaseModel):
    """Make an API operation fail, as seen by its caller.

    An operation is named as the client names it: `payment_intents.capture`,
    `refunds.create`; `*` matches anything.
    """

    model_config = ConfigDict(extra="forbid")

    operation: str = "*"
    # before: nothing has happened. after: everything has, the answer is lost.
    when: Literal["before", "after"] = "before"
    # error: an answer with `status`. disconnect: the connection drops with no
    # answer. delay: only the wait, then all goes on.
    how: Literal["error", "disconnect", "delay"] = "error"
    status: int = Field(default=500, ge=400, le=599)
    # Waited before the fault shows; longer than a client's timeout is a timeout.
    delay_seconds: NonNegativeFloat = 0.0
    # How many calls it hits; None: every one until the chaos is changed.
    times: int | None = Field(default=1, ge=0)

    def hits(self, operation: str, when: str) -> bool:
        """Whether it applies to this call."""
        return (
            self.when == when
            and self.times != 0
            and fnmatchcase(operation, self.operation)
        )


class Chaos(BaseModel):
    """What the double does wrong on purpose. The default does nothing wrong.

    It is forgotten when the process ends. Webhook knobs apply to events that
    happen from then on.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    # Each event is delivered this many times more.
    duplicate: NonNegativeInt = 0
    # The first attempt of each delivery waits this long.
    delay_seconds: NonNegativeFloat = 0.0
    # No event is delivered; all of them are still in the event list.
    drop_all: bool = False
    # The next N events are not delivered.
    drop_next: NonNegativeInt = 0
    # Events of these types are not delivered; `*` matches anything.
    drop_types: list[str] = Field(default_factory=list)
    # Hold deliveries back until N wait, then send them newest first, one by
    # one. 0: off, and whatever is held goes out in that order.
    reorder: NonNegativeInt = 0
    # Faults of API operations; the first that matches applies.
    faults: list[Fault] = Field(default_factory=list)
    # What becomes of the next refunds: None leaves it to the card. "pending"
    # stays so until it is settled by hand; "failed" succeeds, then fails.
    refund_outcome: Literal["succeeded", "pending", "failed"] | None = None

    def take_fault(self, operation: str, when: str) -> Fault | None:
        """The fault for this call, counted as used; None if there is none."""
        for fault in self.faults:
            if fault.hits(operation, when):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def takes_drop(self, event_type: str) -> bool:
        """Whether this event is lost on the way; counts `drop_next` down."""
        if self.drop_all or any(fnmatchcase(event_type, t) for t in self.drop_types):
            return True
        if self.drop_next > 0:
            self.drop_next -= 1
            return True
        return False
