"""Settings of expiration, read from the environment."""

from pydantic import SecretStr

from common.settings import BusSettings


class Settings(BusSettings):
    """What expiration needs beside the bus."""

    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
