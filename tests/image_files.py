"""Image files for tests: a small real one of each format, and ways to damage one."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import imagecodecs
import numpy as np
import pillow_heif
from hypothesis import strategies as st
from PIL import Image, ImageCms

from tests.dicom_files import dicom
from tests.known_pixels import as_bits, tiff
from tests.stand_ins import drawn_cell
from tests.uploads import encoded

DICOM_JPEG, DICOM_JPEG_2000 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def with_last_byte_changed(data: bytes) -> bytes:
    """The same bytes but for the last one, whatever it is."""
    return data[:-1] + bytes([data[-1] ^ 1])


def png_chunk(kind: bytes, data: bytes = b"") -> bytes:
    """One chunk of a PNG file."""
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def tiff_tag(tag: int, kind: int, count: int, value: int) -> bytes:
    """One tag of a little-endian TIFF directory."""
    packed = struct.pack("<Hxx" if kind == 3 else "<I", value)
    return struct.pack("<HHI", tag, kind, count) + packed


def tiff_directory(tags: list[bytes], following: int = 0) -> bytes:
    """One little-endian TIFF directory that leads to the place of the following one."""
    return struct.pack("<H", len(tags)) + b"".join(tags) + struct.pack("<I", following)


def real_files(side: int = 40) -> dict[str, bytes]:
    """One small file of each format and of each way that it is commonly written."""
    rgb = Image.fromarray(drawn_cell(side))
    grey, indexed, rgba = rgb.convert("L"), rgb.quantize(16), rgb.convert("RGBA")
    rgba.putalpha(Image.linear_gradient("L").resize(rgb.size))
    deep = Image.fromarray(np.linspace(0, 65535, side * side).reshape(side, side).astype(np.uint16))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    return {
        "png": encoded(rgb, "PNG", exif=exif, icc_profile=profile),
        "png palette": encoded(indexed, "PNG", transparency=0),
        "png alpha": encoded(rgba, "PNG"),
        "png 16-bit": encoded(deep, "PNG"),
        "png animated": encoded(rgb, "PNG", save_all=True, append_images=[rgb.rotate(90)]),
        "jpeg": encoded(rgb, "JPEG", exif=exif, icc_profile=profile),
        "jpeg progressive": encoded(rgb, "JPEG", progressive=True, comment=b"a comment"),
        "jpeg cmyk": encoded(rgb.convert("CMYK"), "JPEG"),
        "jpeg several": encoded(rgb, "MPO", save_all=True, append_images=[rgb.rotate(90)]),
        "tiff": encoded(rgb, "TIFF", exif=exif, icc_profile=profile),
        "tiff lzw": encoded(rgb, "TIFF", compression="tiff_lzw"),
        "tiff deflate": encoded(rgba, "TIFF", compression="tiff_adobe_deflate"),
        "tiff jpeg": encoded(rgb, "TIFF", compression="jpeg"),
        "tiff packbits": encoded(indexed, "TIFF", compression="packbits"),
        "tiff fax": encoded(grey.convert("1"), "TIFF", compression="group4"),
        "tiff 16-bit": encoded(deep, "TIFF"),
        "tiff big": encoded(rgb, "TIFF", big_tiff=True),
        "tiff pages": encoded(rgb, "TIFF", save_all=True, append_images=[grey, indexed]),
        "bmp": encoded(rgb, "BMP"),
        "bmp palette": encoded(indexed, "BMP"),
        "webp": encoded(rgb, "WEBP", exif=exif, icc_profile=profile),
        "webp lossless": encoded(rgba, "WEBP", lossless=True),
        "webp animated": encoded(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(90)]),
        **_of_microscopes(drawn_cell(side)),
        **_of_phones(rgb, rgba, exif),
    }


def _of_microscopes(rgb: np.ndarray) -> dict[str, bytes]:
    """What cameras of microscopes, scanners and archives write."""
    deep = as_bits(rgb, 12)
    planes = np.moveaxis(rgb, -1, 0)
    return {
        "png 16-bit rgb": imagecodecs.png_encode(deep),
        "tiff 12-bit": tiff(deep, photometric="rgb", compression="zlib", predictor=True),
        "tiff tiles": tiff(rgb, photometric="rgb", tile=(16, 16), compression="zstd"),
        "tiff planes": tiff(planes, photometric="rgb", planarconfig="separate"),
        "tiff float": tiff(rgb.astype(np.float32) / 255, photometric="rgb", compression="lzma"),
        "tiff jpeg2000": tiff(rgb, photometric="rgb", compression="jpeg2000"),
        "tiff imagej": tiff(planes, imagej=True, metadata={"axes": "CYX", "mode": "composite"}),
        "tiff ome": tiff(planes, ome=True, photometric="minisblack", metadata={"axes": "CYX"}),
        "jpeg2000": imagecodecs.jpeg2k_encode(rgb, level=0),
        "jpeg2000 12-bit": imagecodecs.jpeg2k_encode(deep, level=0, bitspersample=12),
        "jpeg2000 bare": imagecodecs.jpeg2k_encode(rgb, level=0, codecformat="J2K"),
        "dicom": dicom(rgb),
        "dicom 12-bit": dicom(as_bits(rgb[..., 0], 12), "MONOCHROME2", 12),
        "dicom jpeg": dicom(
            rgb, "YBR_FULL_422", syntax=DICOM_JPEG, frame=imagecodecs.jpeg8_encode(rgb)
        ),
        "dicom jpeg2000": dicom(
            rgb,
            "YBR_RCT",
            syntax=DICOM_JPEG_2000,
            frame=imagecodecs.jpeg2k_encode(rgb, level=0, reversible=True, codecformat="J2K"),
        ),
    }


def _of_phones(rgb: Image.Image, rgba: Image.Image, exif: Image.Exif) -> dict[str, bytes]:
    """What phones write."""
    files = {"avif": encoded(rgb, "AVIF", exif=exif), "avif alpha": encoded(rgba, "AVIF")}
    for name, image, options in (
        ("heif", rgb, {"exif": exif.tobytes()}),
        ("heif alpha", rgba, {}),
        ("heif tiles", rgb.resize((160, 160)), {"tile_size": 64}),
    ):
        buffer = io.BytesIO()
        pillow_heif.from_pillow(image).save(buffer, **options)
        files[name] = buffer.getvalue()
    return files


REAL_FILES = real_files()

_TELLING = [0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1]
"""Numbers at which sizes and offsets commonly go wrong."""


@dataclass(frozen=True)
class Edit:
    """One change to the bytes of a file; `place` is a share of its length."""

    kind: str
    place: float
    number: int

    def apply(self, data: bytes) -> bytes:
        """The changed bytes."""
        position = int(self.place * len(data))
        if self.kind == "cut":
            return data[:position]
        if self.kind == "drop":
            return data[:position] + data[position + 1 + self.number % 64 :]
        if self.kind == "repeat":
            return data[:position] + data[max(0, position - 1 - self.number % 256) :]
        if self.kind == "byte":
            new = bytes([self.number % 256])
        else:
            order = "<" if self.kind == "little" else ">"
            new = struct.pack(order + "I", self.number)
        return data[:position] + new + data[position + len(new) :]


def _edits() -> st.SearchStrategy[Edit]:
    # Half of the changes hit the first tenth, where the headers are.
    places = st.one_of(st.floats(0, 0.1), st.floats(0, 1, exclude_max=True))
    numbers = st.one_of(st.sampled_from(_TELLING), st.integers(0, 2**32 - 1))
    kinds = st.sampled_from(["byte", "byte", "byte", "little", "big", "drop", "repeat", "cut"])
    return st.builds(Edit, kinds, places, numbers)


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """Bytes of a real file of any format after one to eight changes."""
    data = REAL_FILES[draw(st.sampled_from(sorted(REAL_FILES)))]
    for edit in draw(st.lists(_edits(), min_size=1, max_size=8)):
        data = edit.apply(data)
    return data
