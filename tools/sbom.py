"""Write the bill of materials of what is served: CycloneDX, as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from models.manifest import Manifest, read_manifest
from models.versions import active_folder
from settings import ROOT
from tools.lock import SERVED, Pins, normalized, pins_of

NETWORKS = ("classifier", "detector")
OUTPUT = ROOT / "sbom.json"

Document = dict[str, Any]


def bill_of_materials(python: str) -> Document:
    """List the project, the packages of the environment of `python`, and the weights."""
    document = packages_of(python)
    needed = _dependencies_of(document, document["metadata"]["component"]["bom-ref"])
    needed += _references(document, pins_of(ROOT / SERVED))
    for network in NETWORKS:
        folder = active_folder(ROOT / "weights", network)
        add_weights(document, read_manifest(folder, network))
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
