"""For every test run: the shared fixtures, and honesty about what could not run.

What was skipped is named at the end, with its reason. With CI=true a skip is a
failure: there, everything has to be installed.
"""

import importlib
import os
from typing import Final

import pytest

_SERVICES: Final = ("auth", "tickets", "orders", "payments", "expiration", "client")

# pytest names a test module after its path: that of tickets/tests begins with
# `tickets.tests`. Its parent has to be our package, not the folder of that name.
for _service in _SERVICES:
    importlib.import_module(_service)

pytest_plugins = ["common.testing.plugin"]

_skipped = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Start with nothing skipped."""
    config.stash[_skipped] = {}
    config.pluginmanager.register(_SkipRecorder(config.stash[_skipped]))


class _SkipRecorder:
    """Remembers what was skipped, and why."""

    def __init__(self, skipped: dict[str, str]) -> None:
        self._skipped = skipped

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._record(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._record(report)

    def _record(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        # An expected failure is reported as skipped too, but it did run.
        if report.skipped and not hasattr(report, "wasxfail"):
            self._skipped[report.nodeid] = _reason(report)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(report.longrepr)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run in CI if anything was skipped."""
    passed = session.exitstatus == pytest.ExitCode.OK
    if passed and _in_ci() and session.config.stash[_skipped]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name what could not run."""
    skipped = config.stash[_skipped]
    if not skipped:
        return
    verdict = "which fails the run, as CI is set" if _in_ci() else "on this machine"
    terminalreporter.section(f"could not run, {verdict}", red=_in_ci(), yellow=True)
    for name, reason in sorted(skipped.items()):
        terminalreporter.write_line(f"{name}: {reason}")


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"true", "1"}


def pytest_report_header() -> list[str]:
    """Say whether skips are allowed."""
    return [f"skips: {'are failures' if _in_ci() else 'are named at the end'}"]
