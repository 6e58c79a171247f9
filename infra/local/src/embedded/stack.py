"""Running one whole stack, from its lock to its last process."""

import asyncio
import sys

from embedded import addresses as where
from embedded import keys, topology
from embedded.addresses import Addresses
from embedded.banner import banner
from embedded.ingress import Route, UnsupportedIngress, read_routes
from embedded.nginx import UnknownService
from embedded.output import Terminal
from embedded.ports import PortTaken
from embedded.programs import MissingProgram
from embedded.readiness import HttpProbe, until_ready
from embedded.rendering import Painter, wants_colour
from embedded.running import NotServing, run
from embedded.settings import INGRESS, IncompleteStripe, StackSettings
from embedded.state_file import AlreadyRunning, StackFile, end_leftovers, locked

ROUTE_SECONDS = 30.0
# A route answers when the service behind it does, whatever it says to a stranger.
GATEWAY_ERRORS = 500
CANNOT_START = (
    AlreadyRunning,
    IncompleteStripe,
    PortTaken,
    MissingProgram,
    UnsupportedIngress,
    UnknownService,
)


def up(settings: StackSettings) -> int:
    """Run the stack until it is asked to stop; the exit code."""
    terminal = Terminal(sys.stdout, Painter(colour=wants_colour(sys.stdout)))
    try:
        with locked(settings.state_dir):
            for name in end_leftovers(settings.state_dir):
                terminal.say(f"ended a leftover of an earlier run: {name}", "WARNING")
            return asyncio.run(_run(settings, terminal))
    except CANNOT_START as problem:
        print(problem, file=sys.stderr)
        return 1


async def _run(settings: StackSettings, terminal: Terminal) -> int:
    settings.require_all_of_stripe()
    addresses = where.choose(settings)
    routes = read_routes(INGRESS)
    made = keys.load_or_make(settings.state_dir)
    parts = topology.processes(settings, addresses, made, routes)
    terminal.say(
        f"starting {len(parts)} processes; their raw logs: {settings.state_dir}/logs/"
    )

    async def when_started() -> None:
        await _routes_answer(addresses, routes)
        if settings.demo:
            await _seed(addresses, terminal)
        terminal.write(banner(settings, addresses, terminal.painter))

    return await run(
        parts,
        settings=settings,
        stack_file=StackFile(settings.state_dir, addresses.as_json()),
        terminal=terminal,
        when_started=when_started,
    )


async def _routes_answer(addresses: Addresses, routes: list[Route]) -> None:
    for route in routes:
        probe = HttpProbe(f"{addresses.gateway}{route.path}", below=GATEWAY_ERRORS)
        problem = await until_ready(probe, seconds=ROUTE_SECONDS)
        if problem is not None:
            raise NotServing(f"through the gateway, {problem}")


async def _seed(addresses: Addresses, terminal: Terminal) -> None:
    # Imported here, because only a start with a demo needs an HTTP client.
    from embedded.seeding import SeedingFailed, seed  # noqa: PLC0415

    try:
        created = await seed(addresses.gateway)
    except SeedingFailed as problem:
        terminal.say(f"the demo listings were not made: {problem}", "WARNING")
        return
    if created:
        terminal.say(f"made the demo accounts and {created} listings")
