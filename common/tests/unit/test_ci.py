"""With CI set, a test that is skipped fails the run; everywhere it is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[3] / "conftest.py"
TESTS = """
import pytest

def test_runs():
    assert True

@pytest.mark.xfail(strict=True)
def test_known_to_fail():
    assert False
"""
SKIPPED = """
@pytest.mark.skip(reason="the moon is full")
def test_skipped():
    assert True
"""


def run_pytest(folder: Path, tests: str, **environment: str) -> tuple[int, str]:
    conftest = CONFTEST.read_text().replace("pytest_plugins =", "unused =")
    (folder / "conftest.py").write_text(conftest)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(tests)
    inherited = {k: v for k, v in os.environ.items() if k != "CI"}
    done = subprocess.run(  # noqa: S603 - pytest on a file of our own
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        # Other plugins take seconds to import and have no part in this.
        env={**inherited, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
    )
    return done.returncode, done.stdout


def test_a_skip_is_named_with_its_reason(tmp_path: Path) -> None:
    code, output = run_pytest(tmp_path, TESTS + SKIPPED)
    assert code == pytest.ExitCode.OK
    assert "could not run, on this machine" in output
    assert "test_it.py::test_skipped: the moon is full" in output


def test_a_skip_fails_the_run_in_ci(tmp_path: Path) -> None:
    code, output = run_pytest(tmp_path, TESTS + SKIPPED, CI="true")
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "test_it.py::test_skipped: the moon is full" in output


def test_without_skips_ci_passes_and_nothing_is_named(tmp_path: Path) -> None:
    code, output = run_pytest(tmp_path, TESTS, CI="true")
    assert code == pytest.ExitCode.OK
    assert "could not run" not in output


def test_a_module_that_skips_itself_fails_the_run_in_ci(tmp_path: Path) -> None:
    skip = "import pytest\npytest.skip('no browser', allow_module_level=True)\n"
    code, output = run_pytest(tmp_path, skip, CI="true")
    assert code != pytest.ExitCode.OK
    assert "no browser" in output
