"""The networks of an installation: what they say of themselves, and they once they are needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from models.manifest import load_manifest
from models.registry import Models, load_models
from models.runtime import Precision
from models.versions import active_folder


@dataclass(frozen=True)
class Versions:
    """The versions of the two networks."""

    classifier: str
    detector: str


class InstalledModels:
    """The active versions of both networks, loaded when they are first asked for.

    Args:
        versions: Of the networks.
        load: Loads them, once.
    """

    def __init__(self, versions: Versions, load: Callable[[], Models]) -> None:
        self.versions = versions
        self._load = load
        self._loaded: Models | None = None
        self._loading = threading.Lock()

    @classmethod
    def found(cls, weights: Path, precision: Precision = "auto") -> InstalledModels:
        """Read the manifests of the active versions, and check the files that they name.

        Raises:
            WeightsError: Something is missing, altered or unreadable.
        """
        versions = Versions(_version(weights, "classifier"), _version(weights, "detector"))
        return cls(versions, lambda: load_models(weights, precision))

    @classmethod
    def of(cls, models: Models) -> InstalledModels:
        """Serve models that are loaded already."""
        installed = cls(
            Versions(models.classifier.version, models.detector.version), lambda: models
        )
        installed.get()
        return installed

    def get(self) -> Models:
        """Return the networks, loaded at the first call; raises `WeightsError`."""
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    @property
    def loaded(self) -> bool:
        """Whether they are in the memory of this process."""
        return self._loaded is not None


def _version(weights: Path, model: str) -> str:
    return load_manifest(active_folder(weights, model), model).version
