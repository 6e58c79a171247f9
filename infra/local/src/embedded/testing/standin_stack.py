"""Runs the supervisor on a list of stand-in processes, given as JSON.

Run: python -m embedded.testing.standin_stack STATE_DIR PARTS, where PARTS is a list
of {"name": …, "port": …, "stage": …, "option": …}.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from embedded.output import Terminal
from embedded.process import Process, Stage, python_module
from embedded.readiness import HttpProbe
from embedded.rendering import Painter
from embedded.running import run
from embedded.settings import StackSettings
from embedded.state_file import AlreadyRunning, StackFile, end_leftovers, locked

SERVICE = "embedded.testing.standin_service"


def standin(name: str, port: int, stage: int, *options: str) -> Process:
    return Process(
        name=name,
        argv=python_module(SERVICE, name, str(port), *options),
        url=f"http://127.0.0.1:{port}",
        stage=Stage(stage),
        ready=HttpProbe(f"http://127.0.0.1:{port}/readyz"),
        grace_seconds=1.0,
    )


async def nothing_more() -> None:
    """There is nothing to do after the start."""


def main(state_dir: Path, parts: list[dict[str, object]]) -> int:
    processes = [
        standin(
            str(part["name"]),
            int(str(part["port"])),
            int(str(part["stage"])),
            *([str(part["option"])] if "option" in part else []),
        )
        for part in parts
    ]
    settings = StackSettings(state_dir=state_dir, environment=dict(os.environ))
    terminal = Terminal(sys.stdout, Painter(colour=False))
    with locked(state_dir):
        for name in end_leftovers(state_dir):
            terminal.say(f"ended {name}")
        return asyncio.run(
            run(
                processes,
                settings=settings,
                stack_file=StackFile(state_dir, {"gateway": "http://nowhere"}),
                terminal=terminal,
                when_started=nothing_more,
            )
        )


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), json.loads(sys.argv[2])))
    except AlreadyRunning as problem:
        print(problem)
        sys.exit(1)
