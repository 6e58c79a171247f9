"""The whole stack as a person starts it. What it is for is tested in tests/journey."""

import asyncio
import socket
import sys
from pathlib import Path

import httpx
import pytest

from embedded import procfs
from embedded.demo_data import ACCOUNTS, LISTINGS
from embedded.testing import RunningStack, StackNotReady, running_stack
from embedded.testing.standins import all_gone

pytestmark = [pytest.mark.asyncio]

MOST_MEMORY_KIB = 1200 * 1024


async def listed(stack: RunningStack) -> list[str]:
    async with httpx.AsyncClient(base_url=stack.gateway, trust_env=False) as http:
        answer = await http.get("/api/tickets", params={"limit": 100})
    assert answer.status_code == 200
    return sorted(ticket["title"] for ticket in answer.json())


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


async def test_a_taken_gateway_port_is_said_in_plain_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(StackNotReady) as refused:
            async with running_stack(tmp_path, port=port):
                pytest.fail("it started on a taken port")

    assert f"Port {port} is already in use by process" in str(refused.value)
    assert "Traceback" not in str(refused.value)


@pytest.mark.stack
@pytest.mark.timeout(300)
async def test_a_stack_from_its_first_start_to_its_end(tmp_path: Path) -> None:
    titles = sorted(listing.title for listing in LISTINGS)
    async with running_stack(tmp_path, demo=True) as stack:
        assert await listed(stack) == titles
        for account in ACCOUNTS:
            assert account.password in stack.output()

        pids = [stack.supervisor_pid, *(one.pid for one in stack.services.values())]
        assert sum(map(resident_kib, pids)) < MOST_MEMORY_KIB

        before = stack.services
        for name in ("nats", "mongo", "valkey", "tickets", "nginx"):
            stack.kill(name)
        await stack.wait_ready()
        assert {name: one.url for name, one in stack.services.items()} == {
            name: one.url for name, one in before.items()
        }
        assert await listed(stack) == titles

        workers = procfs.session_members(stack.pid("nginx"))
        await stack.kill_everything()
        await stack.start()
        await stack.wait_ready()
        assert all_gone([worker.pid for worker in workers])
        assert await listed(stack) == titles

        await stack.restart()
        assert await listed(stack) == titles, "the demo was made twice, or lost"

        pids = [one.pid for one in stack.services.values()]
        assert await stack.stop() == 0
        assert all_gone(pids)


async def embedded(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "embedded", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return int(process.returncode or 0), said.decode()


async def test_status_and_check_answer_from_the_command_line(tmp_path: Path) -> None:
    code, said = await embedded("status", "--state-dir", str(tmp_path))
    assert (code, "not running" in said) == (3, True)

    code, said = await embedded("check", "--port", "0")
    assert (code, said) == (0, "Nothing stands in the way: make up\n")
