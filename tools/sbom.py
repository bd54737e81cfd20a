"""Write the bill of materials of what is served: CycloneDX, as JSON."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from models.manifest import Manifest, read_manifest, sha256_of
from models.versions import active_folder
from settings import ROOT
from tools.lock import SERVED, Pins, normalized, pins_of

NETWORKS = ("classifier", "detector", "embedder")
OUTPUT = ROOT / "sbom.json"
VENDORED = ROOT / "static" / "vendor"
LICENCES = {"openseadragon": "BSD-3-Clause"}
"""Of what is vendored."""

_NAMED = re.compile(r"//! (\S+) (\d+(?:\.\d+)*)")

Document = dict[str, Any]


def bill_of_materials(python: str) -> Document:
    """List the project, the packages of an environment, the weights and what is vendored."""
    document = packages_of(python)
    needed = _dependencies_of(document, document["metadata"]["component"]["bom-ref"])
    needed += _references(document, pins_of(ROOT / SERVED))
    for network in NETWORKS:
        folder = active_folder(ROOT / "weights", network)
        add_weights(document, read_manifest(folder, network))
    for folder in sorted(VENDORED.iterdir()):
        add_vendored(document, folder)
    return document


def packages_of(python: str) -> Document:
    """List the packages of an environment, with licences and who needs whom."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", python]
    # Its validation takes half a minute; tests validate the whole document instead.
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible"]
    command += ["--no-validate"]
    done = subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    return json.loads(done.stdout)


def add_weights(document: Document, manifest: Manifest) -> None:
    """Add a network as a component: its version, and the SHA-256 of each of its files."""
    project = document["metadata"]["component"]
    reference = f"weights/{manifest.model}/{manifest.version}"
    files = [
        {"type": "file", "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}
        for name, digest in sorted(manifest.files.items())
    ]
    network = {
        "type": "machine-learning-model",
        "bom-ref": reference,
        "name": f"{project['name']}-{manifest.model}",
        "version": manifest.version,
        "components": files,
    }
    document["components"].append(network)
    document["dependencies"].append({"ref": reference})
    _dependencies_of(document, project["bom-ref"]).append(reference)


def add_vendored(document: Document, folder: Path) -> None:
    """Add a browser's library that lies in `static/vendor/`, by what its first line says.

    Raises:
        ValueError: The line does not name the library and its version.
    """
    script = folder / f"{folder.name}.min.js"
    with script.open(encoding="utf-8") as stream:
        named = _NAMED.fullmatch(stream.readline().strip())
    if named is None or named[1] != folder.name:
        raise ValueError(f"{script} names neither itself nor its version")
    name, version = named.groups()
    digest = {"alg": "SHA-256", "content": sha256_of(script)}
    reference = f"pkg:npm/{name}@{version}"
    document["components"].append(
        {
            "type": "library",
            "bom-ref": reference,
            "name": name,
            "version": version,
            "purl": reference,
            "licenses": [{"license": {"id": LICENCES[name]}}],
            "hashes": [digest],
        }
    )
    document["dependencies"].append({"ref": reference})
    project = document["metadata"]["component"]
    _dependencies_of(document, project["bom-ref"]).append(reference)


def _references(document: Document, pins: Pins) -> list[str]:
    """Find the components of the packages that are pinned."""
    names = {name for name, _ in pins}
    return [
        component["bom-ref"]
        for component in document["components"]
        if normalized(component["name"]) in names
    ]


def _dependencies_of(document: Document, reference: str) -> list[str]:
    row = next(row for row in document["dependencies"] if row["ref"] == reference)
    return row.setdefault("dependsOn", [])


if __name__ == "__main__":
    OUTPUT.write_text(json.dumps(bill_of_materials(sys.argv[1]), indent=2) + "\n")
    print(f"{OUTPUT.name} written")
