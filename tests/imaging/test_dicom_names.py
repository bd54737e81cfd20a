import numpy as np
import pydicom
import pytest

from imaging.dicom_names import names_of
from tests.dicom_files import dicom

PIXELS = np.full((64, 64, 3), 200, np.uint8)


def test_the_names_are_those_that_pydicom_reads():
    content = dicom(PIXELS)
    meta = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content)).file_meta
    names = names_of(content)

    assert names.sop_class == meta.MediaStorageSOPClassUID
    assert names.sop_instance == meta.MediaStorageSOPInstanceUID


@pytest.mark.parametrize("length", [0, 131, 132, 140, 150, 200, 300])
def test_what_is_cut_off_has_names_or_none_and_no_error(length: int):
    names = names_of(dicom(PIXELS)[:length])
    assert names is None or names.sop_class


@pytest.mark.parametrize("content", [b"", b"\0" * 128 + b"DICM", b"\x89PNG" + b"\0" * 400])
def test_other_files_have_none(content: bytes):
    assert names_of(content) is None


def test_a_name_that_is_no_uid_is_none():
    content = dicom(PIXELS)
    name = names_of(content).sop_instance.encode()
    assert names_of(content.replace(name, b"../" + name[3:])) is None
