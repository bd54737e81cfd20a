"""What the stain of an image absorbs: worked out once, for all that is asked of its cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.geometry import Box, pixels_in
from imaging.images import RgbImage
from models.classifier.cell_views import BLACK
from models.quality_control.eyepiece import Circle

EDGE = 3
"""Pixels from the edge of an image up to which a box ends there."""


@dataclass(frozen=True)
class StainedCell:
    """A box of a stained image, and the largest nucleus in it.

    Attributes:
        box: In pixels of the image.
        rgb: uint8 (h, w, 3) RGB, of the box.
        density: Optical density, float32 (h, w, 3) for red, green and blue light.
        nucleus: Mask (h, w).
        light: The brightest channel (0..255) of the empty slide.
        at_edges: Whether the box ends at the left, upper, right and lower edge of the image.
        rim: Mask (h, w) of where an eyepiece's view ends; None unless the box reaches there.
    """

    box: Box
    rgb: RgbImage
    density: NDArray[np.float32]
    nucleus: NDArray[np.bool_]
    light: float
    at_edges: tuple[bool, bool, bool, bool]
    rim: NDArray[np.bool_] | None = None

    @property
    def nucleus_share(self) -> float:
        """Share (0..1) of the box that its largest stained nucleus fills."""
        return _mean(self.nucleus)

    @property
    def texture(self) -> float:
        """Median deviation of the nucleus from its median, whatever the exposure.

        In its darkest channel, in grey levels of 0..255, were the slide white.
        """
        darkest = self.rgb.min(axis=2)[self.nucleus].astype(np.float32)
        if not darkest.size:
            return 0.0
        return float(np.median(np.abs(darkest - np.median(darkest))) * 255 / self.light)

    @property
    def blue_density(self) -> tuple[float, float]:
        """Mean density for blue light of the nucleus, and about it."""
        blue = self.density[..., 2]
        return _mean(blue[self.nucleus]), _mean(blue[~self.nucleus])

    @property
    def ends_at_edge(self) -> bool:
        """Whether the cell may go on beyond what is seen."""
        return any(self.at_edges) or self.rim is not None

    @property
    def cut_share(self) -> float:
        """Longest cut of the nucleus by the edge of what is seen, in sides of the box."""
        nucleus = self.nucleus
        edges = nucleus[:, 0], nucleus[0], nucleus[:, -1], nucleus[-1]
        cut = [edge.sum() for edge, there in zip(edges, self.at_edges, strict=True) if there]
        if self.rim is not None:
            cut.append((nucleus & self.rim).sum())
        return float(max(cut, default=0) / max(nucleus.shape))


@dataclass(frozen=True)
class Stained:
    """An image with its optical density, after Beer and Lambert.

    Attributes:
        rgb: uint8 (h, w, 3) RGB.
        foreground: Mask (h, w) of what is not black.
        light: The brightest channel (0..255) of the empty slide.
        density: float32 (h, w, 3), against the image's own background.
        circle: Of the eyepiece through which it is seen, in pixels of the image.
    """

    rgb: RgbImage
    foreground: NDArray[np.bool_]
    light: float
    density: NDArray[np.float32]
    circle: Circle | None = None

    @classmethod
    def of(cls, rgb: RgbImage, circle: Circle | None = None) -> Stained:
        """Compute what an image, uint8 (h, w, 3) RGB, absorbs."""
        foreground = rgb.max(axis=2) > BLACK
        background = _background(rgb, foreground)
        density = -np.log10((rgb.astype(np.float32) + 1) / (background + 1))
        return cls(rgb, foreground, float(background.max()), density, circle)

    @property
    def green_share(self) -> float:
        """Share (0..1) of the foreground that absorbs less green than red light."""
        density = self.density[self.foreground]
        return float((density[:, 1] < density[:, 0] - 0.05).mean())

    def cell(self, box: Box) -> StainedCell:
        """Cut out a box, and find the largest stained region in it.

        Romanowsky-stained chromatin absorbs green and red light but lets blue pass; red cells
        absorb blue as well.
        """
        density = pixels_in(self.density, box)
        red, green, blue = np.moveaxis(density, 2, 0)
        stained = pixels_in(self.foreground, box)
        stained = stained & (green > 0.2) & (red > 0.08) & (blue < 0.85 * green)
        regions = opened_regions(stained)
        largest = 1 + np.bincount(regions.ravel())[1:].argmax() if regions.any() else 1
        return StainedCell(
            box=box,
            rgb=pixels_in(self.rgb, box),
            density=density,
            nucleus=regions == largest,
            light=self.light,
            at_edges=self._at_edges(box),
            rim=self._rim(box),
        )

    def _at_edges(self, box: Box) -> tuple[bool, bool, bool, bool]:
        height, width = self.rgb.shape[:2]
        left, top, right, bottom = box
        return left < EDGE, top < EDGE, right > width - EDGE, bottom > height - EDGE

    def _rim(self, box: Box) -> NDArray[np.bool_] | None:
        """Return a line one pixel wide, just inside of the eyepiece's edge."""
        if self.circle is None or not self.circle.ends_at(box, EDGE):
            return None
        outer = replace(self.circle, radius=self.circle.radius - EDGE)
        inner = replace(outer, radius=outer.radius - 1)
        size = self.rgb.shape[:2]
        return pixels_in(outer.mask(*size) & ~inner.mask(*size), box)


def opened_regions(mask: NDArray[np.bool_], iterations: int = 1) -> NDArray[np.int32]:
    """Label the connected regions of a mask after a morphological opening.

    Args:
        mask: (h, w).
        iterations: How often it is eroded, and then dilated.

    Returns:
        (h, w), numbers from 1 on; 0 is outside of the regions.
    """
    from scipy import ndimage

    regions = np.zeros(mask.shape, np.int32)
    ndimage.label(ndimage.binary_opening(mask, iterations=iterations), output=regions)
    return regions


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else 0.0


def _background(rgb: RgbImage, foreground: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Estimate the empty slide's colour: the brightest, or a usual one without slide."""
    if foreground.mean() < 0.8:
        return np.array([235, 225, 235], np.float32)
    brightest = np.percentile(rgb[foreground], 99, axis=0)
    return np.maximum(brightest, 60).astype(np.float32)
