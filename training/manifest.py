"""The manifest beside a served network, written from what is on disk."""

import itertools
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.manifest import MANIFEST, sha256_of
from models.versions import versions
from training.data import PROJECT, SUBJECT_SPLITS
from training.phases import Phase, with_phase
from training.staging import check_staged

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
    """Replace entries of a staged manifest; raises DataError where it is published."""
    check_staged(folder)
    content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    _save(folder, {**content, **values})


def add_phase(folder: Path, done: Phase, **values: Any) -> None:  # noqa: ANN401  JSON values
    """Note a phase in a staged manifest, and replace the entries that it changes."""
    content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    amend(folder, **values, phases=with_phase(content.get("phases", []), done))


def subject_split() -> dict[str, list[str]]:
    """Return the C-NMC subjects of each split."""
    groups: dict[str, list[str]] = {}
    for subject, split in SUBJECT_SPLITS.items():
        groups.setdefault(split, []).append(subject)
    return groups


def next_version(model_folder: Path) -> str:
    """Return today's first version that a model does not have yet, as in 2026.11.22-1."""
    published = versions(model_folder)
    numbered = (f"{datetime.now(UTC):%Y.%m.%d}-{number}" for number in itertools.count(1))
    return next(version for version in numbered if version not in published)


def commit() -> str:
    """Return the commit of the project's working tree."""
    command = ("git", "rev-parse", "HEAD")
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.strip()


def _save(folder: Path, content: dict[str, Any]) -> None:
    (folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
