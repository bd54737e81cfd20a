"""The bill of materials, made of the environment in which the tests run."""

from __future__ import annotations

import json
import re
import sys
import tomllib

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from models.manifest import sha256_of
from settings import ROOT
from tools.lock import SERVED, lock_of, normalized, pins_of
from tools.sbom import Document, add_vendored, bill_of_materials


@pytest.fixture(scope="module")
def document() -> Document:
    return bill_of_materials(sys.executable)


def components(document: Document, kind: str) -> dict[str, Document]:
    return {each["name"]: each for each in document["components"] if each["type"] == kind}


def test_it_follows_the_schema(document):
    schema = SchemaVersion.from_version(document["specVersion"])
    assert JsonStrictValidator(schema).validate_str(json.dumps(document)) is None


def test_it_names_the_project_its_version_and_licence(document):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    component = document["metadata"]["component"]
    assert (component["name"], component["version"]) == (project["name"], project["version"])
    assert component["licenses"][0]["license"]["id"] == project["license"]


def test_it_lists_what_is_served(document):
    text = (ROOT / lock_of(SERVED)).read_text()
    here = {normalized(name) for name in re.findall(r"^(\S+)==\S+ \\$", text, re.MULTILINE)}
    listed = {
        (normalized(name), each["version"])
        for name, each in components(document, "library").items()
    }
    served = {pin for pin in pins_of(ROOT / lock_of(SERVED)) if pin[0] in here}
    assert len(served) > len(pins_of(ROOT / SERVED))
    assert served <= listed


def test_it_lists_what_is_vendored_for_browsers(document):
    folders = {folder.name for folder in (ROOT / "static" / "vendor").iterdir()}
    libraries = components(document, "library")
    assert folders == {"openseadragon"}
    listed = libraries["openseadragon"]
    script = ROOT / "static" / "vendor" / "openseadragon" / "openseadragon.min.js"
    assert listed["purl"] == f"pkg:npm/openseadragon@{listed['version']}"
    assert listed["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert listed["hashes"] == [{"alg": "SHA-256", "content": sha256_of(script)}]


def test_what_is_vendored_says_what_it_is(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "other.min.js").write_text("//! openseadragon 6.1.1\n")
    with pytest.raises(ValueError, match="names neither itself nor its version"):
        add_vendored({}, folder)


def test_the_project_needs_what_is_pinned_the_weights_and_what_is_vendored(document):
    root = document["metadata"]["component"]["bom-ref"]
    needed = next(row for row in document["dependencies"] if row["ref"] == root)["dependsOn"]
    vendored = {reference for reference in needed if reference.startswith("pkg:npm/")}
    assert len(vendored) == 1
    names = {normalized(each.partition("==")[0]) for each in needed if each not in vendored}
    networks = components(document, "machine-learning-model").values()
    weights = {normalized(network["bom-ref"]) for network in networks}
    assert len(weights) == 3
    assert names == {name for name, _ in pins_of(ROOT / SERVED)} | weights


def test_it_holds_the_weights_with_the_hashes_of_their_files(document):
    networks = components(document, "machine-learning-model")
    assert set(networks) == {"leukoscope-classifier", "leukoscope-detector", "leukoscope-embedder"}
    for network in networks.values():
        assert network["version"]
        for file in network["components"]:
            assert file["hashes"][0]["content"] == sha256_of(
                ROOT / network["bom-ref"] / file["name"]
            )


def test_it_tells_nothing_of_the_machine(document):
    text = json.dumps(document)
    assert "file://" not in text
    assert f'"{ROOT}' not in text
