"""Networks that are loaded once they are needed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.installed import InstalledModels, Versions
from models.manifest import WeightsError
from tests.stand_ins import stand_in_models


def test_networks_are_loaded_once_and_when_they_are_asked_for():
    calls = []

    def load():
        calls.append(None)
        return stand_in_models()

    installed = InstalledModels(Versions("1", "2"), load)
    assert (calls, installed.loaded) == ([], False)

    with ThreadPoolExecutor(8) as threads:
        got = {id(models) for models in threads.map(lambda _: installed.get(), range(8))}
    assert (len(got), len(calls), installed.loaded) == (1, 1, True)


def test_those_at_hand_are_served_as_they_are():
    models = stand_in_models()
    installed = InstalledModels.of(models)

    assert installed.loaded
    assert installed.get() is models
    assert installed.versions == Versions("stand-in-1", "stand-in-1")


def test_missing_weights_are_told_at_once(tmp_path: Path):
    with pytest.raises(WeightsError):
        InstalledModels.found(tmp_path)
