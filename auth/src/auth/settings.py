"""The settings of auth, read from the environment."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, SecretStr, model_validator

from common.identity.revocations import TOKEN_LIFETIME
from common.settings import BusSettings

_OWASP_MEMORY_KIB: Final = 46 * 1024
_LONGEST_SESSION: Final = int(TOKEN_LIFETIME.total_seconds()) - 1

Count = Annotated[int, Field(ge=1)]


class Settings(BusSettings):
    """What auth needs beside what every service needs.

    Sessions must be shorter than revocations are remembered, or a revoked one
    could come back to life.
    """

    mongo_url: SecretStr = SecretStr("mongodb://127.0.0.1:27017/")
    mongo_database: str = "auth"
    mongo_driver: Literal["motor", "pymongo"] = "motor"
    jwt_signing_keys: SecretStr
    session_seconds: int = Field(default=12 * 3600, ge=1, le=_LONGEST_SESSION)
    cookie_secure: bool = True

    sign_in_window_seconds: Count = 15 * 60
    sign_in_limit: Count = 10
    sign_in_limit_per_address: Count = 100
    sign_up_window_seconds: Count = 3600
    sign_up_limit_per_address: Count = 600

    password_memory_kib: int = Field(default=_OWASP_MEMORY_KIB, ge=1024)
    password_iterations: Count = 1
    password_threads: int = Field(default=2, ge=1, le=64)
    password_queue: int = Field(default=64, ge=1)

    @model_validator(mode="after")
    def _account_limit_is_tighter(self) -> Self:
        if self.sign_in_limit > self.sign_in_limit_per_address:
            raise ValueError("sign_in_limit exceeds sign_in_limit_per_address")
        return self
