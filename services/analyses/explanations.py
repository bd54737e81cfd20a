"""Why a cell was read as it was: the window that was read, the activation map, SHAP values."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imaging.images import RgbImage, centre_square, encode_png
from jobs.engine import Tasks
from jobs.work import Progress, QueueFullError, TaskError
from models.classifier.cell_views import View, Window, cut, on_black
from models.explanation import attribution
from models.installed import InstalledModels
from records import tasks
from records.analyses import analyses, explanations
from records.analyses.analyses import Analysis
from records.analyses.explanations import Explanation
from records.faults import GoneError
from records.storage.image_store import ImageStore
from services.analyses.explanation_picture import shap_picture
from services.language import lazy_gettext

LARGEST_SHOWN = 800
"""Side in pixels above which a window is shrunk for the screen, and its map with it."""

LONGEST_QUEUE = 50
"""Explanations that may wait; each takes up to half a minute."""

FULL = lazy_gettext("Many explanations are already waiting. Try again in a few minutes.")
GONE = lazy_gettext("The image is no longer there.")


class Explainer:
    """Explains kept answers of the classifier; as `Work` it makes SHAP pictures in the background.

    What an older model said is not explained by the present one: see `can_explain`.
    """

    table = Explanation
    at_once = 1
    poll_seconds = 2.0

    def __init__(self, models: InstalledModels, store: ImageStore, background: Tasks) -> None:
        self._models = models
        self._store = store
        self._tasks = background
        background.add(self)

    def can_explain(self, analysis: Analysis) -> bool:
        """Return whether the installed model is the one that answered, and it did answer."""
        answered = analysis.probability is not None
        return answered and analysis.model_version == self._models.versions.classifier

    def window(self, analysis: Analysis) -> bytes:
        """Return a PNG of the analysed square.

        Raises:
            FileNotFoundError: the image is gone.
        """
        return encode_png(attribution.shown_window(self._window(analysis), LARGEST_SHOWN))

    def activation_map(self, analysis: Analysis) -> NDArray[np.float32]:
        """Compute the activation map, as `Classifier.activation_map` gives it.

        Raises:
            FileNotFoundError: the image is gone.
        """
        return self._models.get().classifier.activation_map(self._window(analysis))

    def map_picture(self, analysis: Analysis, values: NDArray[np.float32]) -> bytes:
        """Return a PNG of an activation map, transparent at 0, to lay over `window`.

        Raises:
            FileNotFoundError: the image is gone.
        """
        side = min(len(self._window(analysis)), LARGEST_SHOWN)
        return attribution.map_png(attribution.enlarged(values, side), attribution.MAP_LIMIT)

    def ask(self, analysis: Analysis) -> Explanation:
        """Have SHAP values made, unless they are made or on their way; a failed task is retried.

        Raises:
            QueueFullError: too many wait already.
            GoneError: the analysis was deleted meanwhile.
        """
        found = explanations.find(analysis.id)
        if found is None or found.state == tasks.TaskState.FAILED:
            self._queue(analysis, found)
            found = explanations.find(analysis.id)
        if found is None:
            raise GoneError(Explanation.__name__)
        return found

    def run(self, task_id: str, progress: Progress) -> dict[str, Any]:
        """Make the SHAP picture of one row and keep it (`Work`)."""
        analysis = analyses.get(explanations.get(task_id).analysis_id)
        try:
            window = self._window(analysis)
        except FileNotFoundError:
            raise TaskError(GONE) from None
        version, view = analysis.model_version, _view(analysis, window)
        classifier = self._models.get().classifier
        rgb = attribution.shown_window(window, classifier.manifest.input_size)
        ask = partial(classifier.probabilities, view=view)
        values = attribution.shap_values(ask, rgb, progress)
        return {"picture_name": self._store.put(shap_picture(rgb, values, version))}

    def discard(self, made: dict[str, Any]) -> None:
        """Remove a picture that nobody wants any more (`Work`)."""
        self._store.delete(made["picture_name"])

    def _queue(self, analysis: Analysis, failed: Explanation | None) -> None:
        if tasks.waiting(Explanation) >= LONGEST_QUEUE:
            raise QueueFullError(FULL)
        if failed:
            tasks.retry(Explanation, failed.id)
        else:
            explanations.ask_for(analysis.id)
        if asked_for := explanations.find(analysis.id):
            self._tasks.enqueue(asked_for, again=failed is not None)

    def _window(self, analysis: Analysis) -> RgbImage:
        """Cut the square that the classifier was shown, uint8 RGB."""
        with Image.open(io.BytesIO(self._store.read(analysis.image_name)), formats=["PNG"]) as kept:
            rgb = np.asarray(kept.convert("RGB"))
        box = analysis.finding.get("window")
        return cut(rgb, Window.around(box), analysis.finding["view"]) if box else centre_square(rgb)


def _view(analysis: Analysis, window: RgbImage) -> str:
    return analysis.finding.get("view") or (View.SEGMENTED if on_black(window) else View.CONTEXT)
