"""What happened is in the log by ids; who somebody is, is not."""

import httpx
import pytest
from structlog.testing import capture_logs

pytestmark = pytest.mark.asyncio


async def test_log_tells_ids_and_no_secrets(
    client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    wrong = credentials | {"password": "not this one, sorry"}
    change = {
        "current_password": credentials["password"],
        "new_password": "amber ladder over water",
    }
    with capture_logs() as entries:
        user = (await client.post("/api/users/signup", json=credentials)).json()["data"]
        for _ in range(11):
            await client.post("/api/users/signin", json=wrong)
        await client.post("/api/users/signout")
    told = {entry["event"] for entry in entries}
    assert {"signed_up", "sign_in_refused", "sign_in_throttled", "signed_out"} <= told
    refused = next(one for one in entries if one["event"] == "sign_in_refused")
    assert refused["user_id"] == user["id"]
    assert refused["log_level"] == "warning"
    everything = repr(entries)
    secrets = (*credentials.values(), *wrong.values(), *change.values(), "eyJ")
    assert not [secret for secret in secrets if secret in everything]
