"""Child processes that read hostile files: what they are given, and how they end."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""Working directory of child processes, so that they can import this package."""

_SETTINGS = "LEUKOSCOPE_"
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


def child_environment() -> dict[str, str]:
    """Return the environment without the settings, keys among them: decoding needs none."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(_SETTINGS)}
    # One thread each: their memory is bounded, and the networks need the processors.
    return {**inherited, **dict.fromkeys(_THREADS, "1")}


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, wait until it is gone, and close its pipes."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            # What was not sent yet is lost with the process.
            with suppress(OSError):
                pipe.close()
