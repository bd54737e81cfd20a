"""Memory of a process, as Linux tells it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

Figure = Literal["VmRSS", "VmHWM", "Pss"]
"""Resident memory now, at most so far, and now with shared pages counted in part."""

_FILES: dict[Figure, str] = {"VmRSS": "status", "VmHWM": "status", "Pss": "smaps_rollup"}


def memory_mib(figure: Figure = "VmRSS", pid: int | Literal["self"] = "self") -> float:
    """Return the memory of a process in MiB; 0 where a process has no such figure any more.

    Raises:
        OSError: there is no such process.
    """
    told = Path(f"/proc/{pid}/{_FILES[figure]}").read_text(encoding="ascii")
    found = re.search(rf"^{figure}:\s+(\d+) kB$", told, re.MULTILINE)
    return int(found.group(1)) / 1024 if found else 0
