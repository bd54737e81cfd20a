"""DICOM files for tests: one picture of visible light, as a microscope's archive has it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, VLMicroscopicImageStorage, generate_uid


def dicom(
    pixels: NDArray[Any],
    colors: str = "RGB",
    stored: int | None = None,
    syntax: str = ExplicitVRLittleEndian,
    frame: bytes | None = None,
    **further: Any,
) -> bytes:
    """A DICOM file of (h, w) or (h, w, 3) samples.

    Args:
        pixels: The samples, written as they are unless `frame` has them compressed.
        colors: Photometric interpretation.
        stored: Bits stored; all that are allocated where it is left out.
        syntax: Transfer syntax.
        frame: The compressed frame.
        further: Elements by keyword, which replace any other.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = VLMicroscopicImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = syntax
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = VLMicroscopicImageStorage, generate_uid()
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 1 if pixels.ndim == 2 else pixels.shape[2]
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    allocated = 8 * pixels.dtype.itemsize
    dataset.PhotometricInterpretation = colors
    dataset.BitsAllocated, dataset.BitsStored = allocated, stored or allocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    for keyword, value in further.items():
        setattr(dataset, keyword, value)
    if frame is None:
        _write_native(dataset, pixels, syntax)
    else:
        dataset.PixelData = encapsulate([frame])
        dataset["PixelData"].VR = "OB"
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _write_native(dataset: Dataset, pixels: NDArray[Any], syntax: str) -> None:
    planes = np.moveaxis(pixels, -1, 0) if dataset.get("PlanarConfiguration") == 1 else pixels
    order = ">" if syntax == "1.2.840.10008.1.2.2" else "<"
    values = np.ascontiguousarray(planes).astype(planes.dtype.newbyteorder(order))
    content = values.tobytes()
    dataset.PixelData = content + bytes(len(content) % 2)
    dataset["PixelData"].VR = "OW" if pixels.dtype.itemsize > 1 else "OB"
