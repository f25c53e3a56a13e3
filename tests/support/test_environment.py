"""The virtual environment of tests (scripts/test_environment.sh)."""

import importlib.util
import os
import pathlib
import sys

SKIPPED = 77  # ctest's SKIP_RETURN_CODE of tests that use this


def enter(module):
    """Runs this script again in build/test-env, where `module` is not at hand; without that the test is skipped."""
    if importlib.util.find_spec(module) is not None:
        return
    python = pathlib.Path(__file__).resolve().parents[2] / "build" / "test-env" / "bin" / "python"
    if not python.exists() or pathlib.Path(sys.executable) == python:
        print(f"skipped: {module} is not installed; scripts/test_environment.sh makes build/test-env")
        sys.exit(SKIPPED)
    os.execv(python, [str(python), *sys.argv])
