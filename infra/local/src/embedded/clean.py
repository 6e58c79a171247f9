"""Forgetting all that a stack has kept."""

import shutil
import sys
from pathlib import Path

from embedded.state_file import LOCK_FILE, AlreadyRunning, end_leftovers, locked


def clean(state_dir: Path) -> int:
    """Remove the state; refused while a stack runs on it or when it is not ours."""
    if not state_dir.exists():
        print(f"There is nothing to forget in {state_dir}.")
        return 0
    if not (state_dir / LOCK_FILE).exists():
        print(f"{state_dir} holds no stack's state; not touched.", file=sys.stderr)
        return 1
    try:
        with locked(state_dir):
            end_leftovers(state_dir)
            shutil.rmtree(state_dir)
    except AlreadyRunning as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"Forgot everything in {state_dir}.")
    return 0
