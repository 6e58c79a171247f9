"""A service that could not verify webhooks, or pay, does not start."""

import pytest
from pydantic import ValidationError

from payments.settings import Settings

GIVEN = {
    "database_url": "unused",
    "jwks_url": "unused",
    "stripe_secret_key": "sk_test_x",
    "stripe_webhook_secrets": "whsec_old, whsec_new,",
}


def test_several_webhook_secrets_are_good_during_a_rotation() -> None:
    settings = Settings.model_validate(GIVEN)
    assert settings.webhook_secrets == ["whsec_old", "whsec_new"]
    assert "whsec_old" not in repr(settings)
    assert "sk_test_x" not in repr(settings)


@pytest.mark.parametrize("name", ["stripe_secret_key", "stripe_webhook_secrets"])
@pytest.mark.parametrize("value", ["", " ", ","])
def test_an_empty_secret_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({**GIVEN, name: value})
