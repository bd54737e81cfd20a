"""The attributes of a cell's form that the classifier reads, and what each can be.

Those of WBCAtt (Tsutsui, Pang, Wen 2023), which has no blasts: of a blast they are extrapolations.
"""

from __future__ import annotations

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "cell_size": ("small", "big"),
    "cell_shape": ("round", "irregular"),
    "nucleus_shape": (
        "segmented-bilobed",
        "segmented-multilobed",
        "unsegmented-band",
        "unsegmented-indented",
        "unsegmented-round",
        "irregular",
    ),
    "nuclear_cytoplasmic_ratio": ("low", "high"),
    "chromatin_density": ("densely", "loosely"),
    "cytoplasm_vacuole": ("no", "yes"),
    "cytoplasm_texture": ("clear", "frosted"),
    "cytoplasm_colour": ("light blue", "blue", "purple blue"),
    "granule_type": ("nil", "small", "coarse", "round"),
    "granule_colour": ("nil", "pink", "purple", "red"),
    "granularity": ("no", "yes"),
}
"""In the order of the network's outputs."""
