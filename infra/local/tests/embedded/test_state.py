import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from embedded import procfs
from embedded.clean import clean
from embedded.state_file import (
    AlreadyRunning,
    StackFile,
    end_leftovers,
    locked,
    read,
)
from embedded.status import status


async def sleeper() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=-1, start_new_session=True
    )


def remember(state_dir: Path, pid: int, **changed: object) -> None:
    stack_file = StackFile(state_dir, {"gateway": "http://localhost:1"})
    stack_file.started("auth", "http://localhost:2", pid)
    content: dict[str, Any] = read(state_dir) or {}
    content["services"]["auth"].update(changed)
    (state_dir / "stack.json").write_text(json.dumps(content))


@pytest.mark.asyncio
async def test_a_leftover_that_is_certainly_ours_is_ended(tmp_path: Path) -> None:
    process = await sleeper()
    remember(tmp_path, process.pid)

    assert end_leftovers(tmp_path) == [f"auth (process {process.pid})"]
    assert await process.wait() == -signal.SIGKILL


@pytest.mark.asyncio
@pytest.mark.parametrize("changed", [{"started": "1"}, {"executable": "/bin/other"}])
async def test_a_process_that_only_has_the_same_pid_is_left_alone(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    process = await sleeper()
    remember(tmp_path, process.pid, **changed)

    assert end_leftovers(tmp_path) == []
    assert procfs.identity(process.pid) is not None
    process.kill()
    await process.communicate()


def test_the_state_is_for_one_at_a_time(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"),
        locked(tmp_path),
    ):
        pass


def test_clean_is_refused_while_a_stack_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state_dir = tmp_path / "state"
    with locked(state_dir):
        assert clean(state_dir) == 1
        assert "already running" in capsys.readouterr().err

    assert clean(state_dir) == 0
    assert not state_dir.exists()


def test_clean_touches_no_folder_that_is_not_ours(tmp_path: Path) -> None:
    precious = tmp_path / "letter.txt"
    precious.write_text("dear")

    assert clean(tmp_path) == 1
    assert precious.exists()


def test_status_tells_what_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(tmp_path) == 3
    assert "not running" in capsys.readouterr().out

    remember(tmp_path, os.getpid())
    assert status(tmp_path) == 1
    assert "auth        is starting" in capsys.readouterr().out

    remember(tmp_path, os.getpid(), ready=True)
    assert status(tmp_path) == 0
    assert "auth        serves" in capsys.readouterr().out

    remember(tmp_path, os.getpid(), started="1")
    assert status(tmp_path) == 1
    assert "auth        is not running" in capsys.readouterr().out
