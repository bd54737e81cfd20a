"""The manifest beside a served network, written from what is on disk."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.manifest import MANIFEST, sha256_of
from training.data import PROJECT, SUBJECT_SPLITS, fold_of

NETWORK_FILES = ("network.xml", "network.bin")
DATA_SETS = (
    {"name": "C-NMC 2019", "licence": "CC BY 3.0", "source": "doi:10.7937/tcia.2019.dc64i46r"},
    {"name": "PBC", "licence": "CC BY 4.0", "source": "doi:10.17632/snkd93bnjr.1"},
    {"name": "TXL-PBC", "licence": "MIT", "source": "arXiv:2407.13214"},
    {"name": "Chula RBC-12", "licence": "MIT", "source": "arXiv:2012.01321"},
)


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Write content with hashes of the network's files, time and commit."""
    stamped = {
        **content,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": {name: sha256_of(folder / name) for name in NETWORK_FILES},
        "commit": commit(),
    }
    _save(folder, stamped)


def amend(folder: Path, **values: Any) -> None:  # noqa: ANN401  JSON values
    """Replace entries of a folder's manifest."""
    content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    _save(folder, {**content, **values})


def subject_split() -> dict[str, list[str]]:
    """Return the C-NMC subjects of each split."""
    return _subjects_by(SUBJECT_SPLITS.__getitem__)


def fold_subjects() -> dict[str, list[str]]:
    """Return the C-NMC subjects that each fold holds out."""
    return _subjects_by(fold_of)


def todays_version() -> str:
    """Return today's first version of weights, as in 2026.11.22-1."""
    return f"{datetime.now(UTC):%Y.%m.%d}-1"


def commit() -> str:
    """Return the commit of the project's working tree."""
    command = ("git", "rev-parse", "HEAD")
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.strip()


def _subjects_by(group: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for subject in SUBJECT_SPLITS:
        groups.setdefault(group(subject), []).append(subject)
    return groups


def _save(folder: Path, content: dict[str, Any]) -> None:
    (folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
