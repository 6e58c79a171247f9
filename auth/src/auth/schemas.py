"""Request and response bodies."""

import unicodedata
from typing import Annotated, Generic, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from auth import emails, password_policy
from common.identity import Session

DataT = TypeVar("DataT")


def _email(text: str) -> str:
    email = emails.normalise(text)
    if not 1 <= len(email) <= emails.LONGEST:
        raise ValueError(f"must have 1 to {emails.LONGEST} characters")
    if not emails.looks_like_address(email):
        raise ValueError("must be an e-mail address, such as name@example.com")
    return email


def _normal_form(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _unicode(value: object) -> object:
    """Refuse half a surrogate pair: JSON can carry it, UTF-8 cannot."""
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("must be valid Unicode") from None
    return value


Email = Annotated[str, BeforeValidator(_unicode), AfterValidator(_email)]
"""An address, normalised."""

Password = Annotated[
    str,
    BeforeValidator(_unicode),
    AfterValidator(_normal_form),
    Field(min_length=1, max_length=password_policy.LONGEST),
]
"""A password in NFC: it is the same whichever keyboard composed its letters."""


class Input(BaseModel):
    """A request body; what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Credentials(Input):
    """Who wants to sign in."""

    email: Email
    password: Password = Field(repr=False)


class NewAccount(Credentials):
    """Who wants to sign up, with a password that is good enough."""

    @field_validator("password")
    @classmethod
    def _password_is_acceptable(cls, password: str, info: ValidationInfo) -> str:
        refused = password_policy.refusal(password, email=info.data.get("email", ""))
        if refused:
            raise ValueError(refused)
        return password


class PasswordChange(Input):
    """The present password and the one that shall replace it."""

    current_password: Password = Field(repr=False)
    new_password: Password = Field(repr=False)


class SessionUser(BaseModel):
    """Who is signed in, and until when in Unix seconds."""

    id: str
    email: str
    exp: int

    @classmethod
    def of(cls, session: Session) -> Self:
        """Tell what a session says about its user."""
        return cls(
            id=session.user_id,
            email=session.email,
            exp=int(session.expires_at.timestamp()),
        )


class Answer(BaseModel, Generic[DataT]):
    """What every answer of `/api/users` looks like."""

    message: str
    data: DataT


class KeySet(BaseModel):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]
