"""Installing the two programs that only some tests need, where that is possible.

python -m embedded.system_packages
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
# What a package's scripts are told when they ask whether to start their service.
POLICY_FORBIDS = "#!/bin/sh\nexit 101\n"
APT_SECONDS = 900


@dataclass(frozen=True, slots=True)
class SystemPackage:
    name: str
    programs: tuple[str, ...]
    used_for: str


WANTED = (
    SystemPackage(
        "chromium",
        ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
        "the browser tests",
    ),
    SystemPackage(
        "mariadb-server",
        ("mariadbd", "mysqld", "/usr/sbin/mariadbd", "/usr/sbin/mysqld"),
        "the tests on MariaDB",
    ),
)


def missing(search_path: str | None = None) -> list[SystemPackage]:
    """Those of which no program is found."""
    return [
        package
        for package in WANTED
        if not any(shutil.which(name, path=search_path) for name in package.programs)
    ]


def can_install() -> bool:
    return (
        sys.platform == "linux"
        and os.geteuid() == 0
        and Path("/etc/debian_version").exists()
        and shutil.which("apt-get") is not None
    )


def install_command(packages: list[SystemPackage]) -> list[str]:
    names = [package.name for package in packages]
    return ["apt-get", "install", "-y", "--no-install-recommends", *names]


@contextlib.contextmanager
def services_stay_stopped() -> Iterator[Mapping[str, str]]:
    """The environment for apt, while a policy keeps packages from starting servers:
    the tests start their own, on their own data."""
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text(POLICY_FORBIDS)
        POLICY.chmod(0o755)
    try:
        yield {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    finally:
        if ours:
            POLICY.unlink(missing_ok=True)


def install(packages: list[SystemPackage]) -> None:
    """Raises CalledProcessError or TimeoutExpired when apt does not manage."""
    with services_stay_stopped() as environment:
        for command in (["apt-get", "update"], install_command(packages)):
            subprocess.run(  # noqa: S603 Fixed commands, fixed names.
                command,
                check=True,
                env=environment,
                timeout=APT_SECONDS,
                stdout=subprocess.DEVNULL,
            )


def main() -> int:
    """Install what is missing, or name it; the tests say what they could not run."""
    needed = missing()
    if needed and can_install():
        print(f"Installing {', '.join(package.name for package in needed)}")
        try:
            install(needed)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"apt-get did not manage: {error}", file=sys.stderr)
        needed = missing()
    for package in needed:
        print(f"{package.name} is not installed: {package.used_for} cannot run.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
