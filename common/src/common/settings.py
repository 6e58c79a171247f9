"""Settings that every service has, read from the environment; none at import."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """What any of our processes needs. Field names are environment variables."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65_535)
    log_level: str = "info"
    forwarded_allow_ips: str = "127.0.0.1"


class BusSettings(ServiceSettings):
    """Of a process that publishes or consumes events."""

    nats_url: SecretStr = SecretStr("nats://127.0.0.1:4222")
    nats_replicas: int = Field(default=1, ge=1, le=5)


class DatabaseSettings(BusSettings):
    """Of a service with an SQL database and signed-in callers.

    ``migration_database_url`` is that of a user who may change tables, where the
    service's own may not.
    """

    database_url: SecretStr
    migration_database_url: SecretStr | None = None
    database_pool_size: int = Field(default=10, ge=1, le=64)
    jwks_url: str
