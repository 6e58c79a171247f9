"""The published catalogue of events is the one that the schemas write."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_docs_events_is_current() -> None:
    # In a process of its own: other tests may have made events of their own.
    written = subprocess.run(
        [sys.executable, "-m", "common.events.catalogue"],
        check=True,
        capture_output=True,
        encoding="utf-8",
    ).stdout
    current = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert current == written, "run: python -m common.events.catalogue > docs/events.md"
