"""What a person needs to know once the stack serves."""

from embedded.addresses import GATEWAY, Addresses
from embedded.demo_data import ACCOUNTS
from embedded.rendering import Painter
from embedded.settings import StackSettings

CARDS = (
    ("4242 4242 4242 4242", "is paid"),
    ("4000 0025 0000 3155", "asks for 3-D Secure, then is paid"),
    ("4000 0000 0000 9995", "is declined: not enough money"),
)
DOCUMENTED = ("users", "tickets", "orders", "payments")


def banner(settings: StackSettings, addresses: Addresses, painter: Painter) -> str:
    address = f"http://localhost:{addresses.ports[GATEWAY]}"
    lines = ["", f"  Ticketing is open at {painter.strong(address)}", ""]
    if settings.demo:
        lines += ["  Demo accounts", *map(_account, _widest_first()), ""]
    lines += ["  Test cards (any later date, any CVC)"]
    lines += [f"    {number}   {meaning}" for number, meaning in CARDS]
    lines += ["", "  API documentation"]
    lines += [f"    {address}/api/{name}/docs" for name in DOCUMENTED]
    lines += [
        "",
        painter.faint(f"  Every address and process: {settings.state_dir}/stack.json"),
        painter.faint(
            "  Ctrl-C stops it; what you did is kept. make clean forgets it."
        ),
        "",
    ]
    return "\n".join(lines)


def _widest_first() -> list[tuple[str, str, str]]:
    return [(each.email, each.password, each.part) for each in ACCOUNTS]


def _account(row: tuple[str, str, str]) -> str:
    email, password, part = row
    return f"    {email:<20} {password:<20} {part}"
