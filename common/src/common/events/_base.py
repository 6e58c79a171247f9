"""What every event has: an id, a time, a subject and a schema version."""

from typing import Annotated, ClassVar, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from common.clock import now
from common.ids import new_id

Id = Annotated[str, Field(min_length=1, max_length=64)]
"""An identifier; UUIDv7 text for everything that we make ourselves."""

MinorUnits = Annotated[int, Field(ge=0)]
"""An amount of money in the smallest unit of its currency."""

Version = Annotated[int, Field(ge=1)]
"""Version of an aggregate; one higher with every change of it."""

Currency = Annotated[str, Field(pattern="^[a-z]{3}$")]
"""ISO 4217 code in lower case."""


EVENT_TYPES: Final[dict[str, "type[Event]"]] = {}
"""Every event class that has a subject, by its subject."""


class Event(BaseModel):
    """A fact, frozen. Subclasses add the whole state of their aggregate.

    Unknown fields are ignored, so that a publisher may add some; whatever would
    break a reader is a new event beside the old one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    subject: ClassVar[str] = ""
    schema_version: ClassVar[int] = 1

    event_id: Id = Field(default_factory=new_id)
    occurred_at: AwareDatetime = Field(default_factory=now)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        """Register the class under the subject it names."""
        super().__pydantic_init_subclass__(**kwargs)
        if cls.subject:
            EVENT_TYPES[cls.subject] = cls
