"""A service's own commands, run with the settings of a running stack."""

import json
from pathlib import Path

import pytest

from embedded import cli


def test_without_a_stack_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["service", "--state-dir", str(tmp_path), "orders", "dead-letters"])

    assert code == 2
    assert "make up" in capsys.readouterr().err


def test_a_service_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(["service", "--state-dir", str(tmp_path), "mail", "dead-letters"])

    assert refused.value.code == 2


def test_the_command_gets_the_stack_s_settings(
    tmp_path: Path, nats_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    stack = {
        "nats": nats_url,
        "databases": {"orders": f"sqlite+aiosqlite:///{tmp_path}/none.sqlite3"},
        "services": {"auth": {"url": "http://127.0.0.1:1"}},
    }
    (tmp_path / "stack.json").write_text(json.dumps(stack))

    code = cli.main(["service", "--state-dir", str(tmp_path), "orders", "dead-letters"])

    assert code == 0
    assert capfd.readouterr().err == ""


def test_replay_says_how_many_events_will_be_published_again(
    tmp_path: Path, nats_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/tickets.sqlite3"
    stack = {
        "nats": nats_url,
        "databases": {"tickets": url},
        "services": {"auth": {"url": "http://127.0.0.1:1"}},
    }
    (tmp_path / "stack.json").write_text(json.dumps(stack))
    service = ["service", "--state-dir", str(tmp_path), "tickets"]
    assert cli.main([*service, "migrate"]) == 0

    assert cli.main([*service, "replay", "--since", "2026-11-01T00:00Z"]) == 0

    assert json.loads(capfd.readouterr().out) == {"events_to_publish_again": 0}
