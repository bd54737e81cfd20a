"""Features of the white cells of fields: computed once for each version of the networks."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from sqlalchemy.exc import NoResultFound

from core.geometry import Box
from models.laboratory.cells import INPUTS, HeadInputs, joined_inputs, read_boxes
from records import exclusive_transaction, transaction
from records.analyses import analyses
from records.learning import cell_features as records
from records.learning import withdrawn_cases
from records.learning.cell_features import Source
from records.storage.image_store import UndecryptableError
from services.analyses.analysis import Analyst
from services.learning.observations import Networks

LAYOUT = 2
"""Of what is kept: the second one has the kinds. To be raised when `kinds.KINDS` changes."""


class FeatureStore:
    """Gives what a head reads of the cells of fields, and keeps it in the database."""

    def __init__(self, networks: Networks, analyst: Analyst) -> None:
        self._networks = networks
        self._analyst = analyst

    def read(self, analysis_id: str, boxes: Sequence[Box]) -> HeadInputs:
        """Return the inputs of the cells in some boxes of a field, in pixels; at least one.

        The field is decoded only where a box was not read before.

        Raises:
            FileNotFoundError: Its image is gone.
        """
        content = records.find(analysis_id, source_of(self._networks))
        known = boxes_of(content) if content else []
        parts = [_inputs_of(content)] if content else []
        places = [_place(box) for box in known]
        missing = [box for box in boxes if _place(box) not in places]
        if missing:
            known, parts = [*known, *missing], [*parts, self._read(analysis_id, missing)]
            keep_features(self._networks, analysis_id, known, joined_inputs(parts))
            places += [_place(box) for box in missing]
        rows = np.array([places.index(_place(box)) for box in boxes])
        return joined_inputs(parts).of(rows)

    def read_anew(self, analysis_id: str) -> None:
        """Read the cells of a field again that other networks read, and replace what they said.

        Where field or image are gone, nothing is kept of it any more. Where the image cannot be
        decrypted, all stays as it is: its key may come back.
        """
        content = records.any_contents(analysis_id)
        if content is None:
            return
        boxes = boxes_of(content)
        try:
            inputs = self._read(analysis_id, boxes)
        except UndecryptableError:
            return
        except (FileNotFoundError, NoResultFound):
            with transaction():
                records.remove([analysis_id])
        else:
            records.replace(analysis_id, source_of(self._networks), _to_bytes(boxes, inputs))

    def _read(self, analysis_id: str, boxes: Sequence[Box]) -> HeadInputs:
        rgb = self._analyst.pixels(analyses.get(analysis_id))
        read = read_boxes(rgb, boxes, self._networks.classifier, self._networks.embedder)
        if read is None:
            raise AssertionError
        return read.inputs


def keep_features(
    networks: Networks, analysis_id: str, boxes: Sequence[Box], inputs: HeadInputs
) -> None:
    """Keep the inputs of the cells of a field, in place of what was kept before.

    Nothing is kept of a case that was withdrawn from learning.
    """
    source, contents = source_of(networks), _to_bytes(boxes, inputs)
    # A withdrawal either comes first and is seen, or comes later and removes what is kept here.
    with exclusive_transaction():
        if not withdrawn_cases.holds(analysis_id):
            records.keep(analysis_id, source, contents)


def source_of(networks: Networks) -> Source:
    """Return the source of what these networks say."""
    return Source(networks.classifier.version, networks.embedder.version, LAYOUT)


def boxes_of(content: bytes) -> list[Box]:
    """Return the boxes, in pixels, of the cells that something is kept of."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        # The first layout rounded them.
        rows = file["boxes" if "boxes" in file else "places"].tolist()
    return [(float(x1), float(y1), float(x2), float(y2)) for x1, y1, x2, y2 in rows]


def _inputs_of(content: bytes) -> HeadInputs:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return HeadInputs(*(file[name] for name in INPUTS))


def _place(box: Box) -> tuple[int, ...]:
    """Tell which cell of a field it is."""
    return tuple(round(edge) for edge in box)


def _to_bytes(boxes: Sequence[Box], inputs: HeadInputs) -> bytes:
    arrays = {name: getattr(inputs, name) for name in INPUTS}
    arrays["kinds"] = inputs.kinds.astype(np.float32)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, boxes=np.array(boxes, np.float64), **arrays)
    return buffer.getvalue()
