"""The supervisor on stand-in processes: start, restart, stop, and no orphans."""

import os
import signal

import pytest

from embedded import procfs
from embedded.readiness import HttpProbe
from embedded.testing.standins import StandinStacks, all_gone, until

pytestmark = pytest.mark.asyncio

Parts = list[dict[str, object]]


async def test_stack_file_names_every_process(
    stacks: StandinStacks, three_parts: Parts
) -> None:
    stack = await (await stacks.start(three_parts)).ready()

    assert set(stack.file["services"]) == {"store", "service", "edge"}
    for part in three_parts:
        entry = stack.service(str(part["name"]))
        assert entry["url"] == f"http://127.0.0.1:{part['port']}"
        assert entry["ready"] is True
        assert entry["restarts"] == 0
    assert (stacks.state_dir / "stack.json").stat().st_mode & 0o777 == 0o600


async def test_a_killed_process_comes_back_on_its_port(
    stacks: StandinStacks, three_parts: Parts
) -> None:
    stack = await (await stacks.start(three_parts)).ready()
    before = stack.service("service")

    os.kill(before["pid"], signal.SIGKILL)
    after = await stack.restarted("service", before["pid"])

    assert after["url"] == before["url"]
    assert after["restarts"] == 1
    assert await HttpProbe(f"{after['url']}/readyz").problem() is None
    assert "service ended with signal SIGKILL; starting it again" in stack.said()
    assert "service is back" in stack.said()


async def test_what_a_killed_process_started_goes_with_it(
    stacks: StandinStacks, three_parts: Parts
) -> None:
    three_parts[1]["option"] = "--with-child"
    stack = await (await stacks.start(three_parts)).ready()
    before = stack.service("service")
    family = [member.pid for member in procfs.session_members(before["pid"])]

    os.kill(before["pid"], signal.SIGKILL)
    await stack.restarted("service", before["pid"])

    assert len(family) == 2
    assert all_gone(family)


async def test_ctrl_c_stops_in_reverse_order_and_leaves_nothing(
    stacks: StandinStacks, three_parts: Parts
) -> None:
    stack = await (await stacks.start(three_parts)).ready()
    pids = stack.pids()

    assert await stack.end(signal.SIGINT) == 0

    assert all_gone(pids)
    assert not (stacks.state_dir / "stack.json").exists()
    goodbyes = [line for line in stack.said().splitlines() if "bye" in line]
    assert [line.split()[1] for line in goodbyes] == ["edge", "service", "store"]


async def test_a_process_that_ignores_its_grace_is_killed_and_named(
    stacks: StandinStacks, three_parts: Parts
) -> None:
    three_parts[1]["option"] = "--stubborn"
    stack = await (await stacks.start(three_parts)).ready()
    pids = stack.pids()

    assert await stack.end(signal.SIGTERM) == 0

    assert all_gone(pids)
    assert "service did not stop within 1 s and was killed" in stack.said()


async def test_a_second_ctrl_c_kills_at_once(
    stacks: StandinStacks, three_parts: Parts
) -> None:
    three_parts[1]["option"] = "--stubborn"
    stack = await (await stacks.start(three_parts)).ready()
    pids = stack.pids()

    stack.process.send_signal(signal.SIGINT)
    await until(lambda: "stopping" in stack.said(), "the first Ctrl-C to be heard")
    assert await stack.end(signal.SIGINT) == 0

    assert all_gone(pids)
    assert "did not stop" not in stack.said()


async def test_nothing_outlives_a_killed_supervisor(
    stacks: StandinStacks, three_parts: Parts
) -> None:
    stack = await (await stacks.start(three_parts)).ready()
    pids = stack.pids()

    await stack.end(signal.SIGKILL)

    await until(lambda: all_gone(pids), "the kernel to end the orphans")


async def test_a_stack_starts_again_after_its_supervisor_was_killed(
    stacks: StandinStacks, three_parts: Parts
) -> None:
    first = await (await stacks.start(three_parts)).ready()
    await first.end(signal.SIGKILL)

    second = await (await stacks.start(three_parts)).ready()

    assert set(second.file["services"]) == {"store", "service", "edge"}


async def test_two_stacks_on_one_state_are_refused(
    stacks: StandinStacks, three_parts: Parts
) -> None:
    first = await (await stacks.start(three_parts)).ready()

    second = await stacks.start(three_parts)
    assert await second.process.wait() == 1

    assert "The stack is already running" in second.said()
    assert f"process {first.process.pid}" in second.said()


async def test_a_start_that_cannot_succeed_says_why_and_leaves_nothing(
    stacks: StandinStacks, three_parts: Parts
) -> None:
    three_parts[1]["option"] = "--ends-at-once"
    stack = await stacks.start(three_parts)

    assert await stack.process.wait() == 1

    assert "service ended with exit code 7" in stack.said()
    assert "the database is made of cheese" in stack.said().rpartition("ended with")[2]
    assert "store INFO bye" in " ".join(stack.said().split())


async def test_a_crash_loop_is_named_with_its_last_words(
    stacks: StandinStacks, three_parts: Parts
) -> None:
    stack = await (await stacks.start(three_parts)).ready()

    for _ in range(3):
        pid = stack.service("service")["pid"]
        os.kill(pid, signal.SIGKILL)
        await stack.restarted("service", pid)

    assert "service keeps ending (3 times in a row" in stack.said()
    assert f"serving as {pid}" in stack.said().partition("Its last lines:")[2]


async def test_the_raw_log_of_every_process_is_kept(
    stacks: StandinStacks, three_parts: Parts
) -> None:
    stack = await (await stacks.start(three_parts)).ready()
    await stack.end()

    for part in three_parts:
        raw = (stacks.state_dir / "logs" / f"{part['name']}.log").read_text()
        assert '"msg": "bye"' in raw
