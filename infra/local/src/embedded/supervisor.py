"""Starting, watching, restarting and stopping the processes of a stack."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from embedded.child import prepare
from embedded.output import Output, Terminal
from embedded.process import Process
from embedded.state_file import StackFile
from embedded.watch import StartFailed, Watch

__all__ = ["StartFailed", "Supervisor"]


class Supervisor:
    """Runs a list of processes, whatever they are, stage by stage."""

    def __init__(
        self,
        processes: Sequence[Process],
        *,
        stack_file: StackFile,
        logs: Path,
        terminal: Terminal,
        environment: Mapping[str, str],
        warnings_only: bool = False,
    ) -> None:
        self._environment = environment
        self._terminal = terminal
        self._stopping = False
        self._watches = [
            Watch(
                process,
                output=Output(
                    process.name,
                    logs / f"{process.name}.log",
                    terminal,
                    notable_only=process.quiet or warnings_only,
                ),
                stack_file=stack_file,
                terminal=terminal,
                environment=environment,
            )
            for process in sorted(processes, key=lambda each: each.stage)
        ]

    async def start(self) -> None:
        """Start every stage once the one before it serves. Raises StartFailed or
        PreparationFailed, naming the process and showing its last lines."""
        for _, stage in groupby(self._watches, key=lambda each: each.process.stage):
            await self._start_together(list(stage))

    async def _start_together(self, watches: list[Watch]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for watch in watches:
                    group.create_task(self._begin(watch))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _begin(self, watch: Watch) -> None:
        await prepare(watch.process, watch.output, self._environment)
        watch.begin()
        await watch.first_ready()

    async def stop(self) -> None:
        """Stop stage by stage in reverse: a service may still need its stores while
        it finishes what it has begun."""
        self._stopping = True
        for watch in self._watches:
            watch.stop_restarting()
        backwards = reversed(self._watches)
        for _, stage in groupby(backwards, key=lambda each: each.process.stage):
            await asyncio.gather(*(watch.stop() for watch in stage))
        for watch in self._watches:
            watch.output.close()

    def kill(self) -> None:
        """End everything now; stop() then returns at once."""
        for watch in self._watches:
            watch.stop_restarting()
            watch.kill()
