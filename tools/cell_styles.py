"""Write the style sheet that colours the detector's classes: `python -m tools.cell_styles`."""

from __future__ import annotations

from pathlib import Path

from core.taxonomy import FIELD_CLASSES, FieldClass

_STATIC = Path(__file__).resolve().parents[1] / "static"
STYLE_SHEET = _STATIC / "css" / "analyses" / "cell_classes.css"

_HEAD = "/* From core/taxonomy.py, by python -m tools.cell_styles: change it there. */"


def style_sheet() -> str:
    """Return the rules of all classes: colours, boxes in a field, swatches, what is hidden."""
    colours = "\n".join(f"  --box-{one.code}: {one.colour};" for one in FIELD_CLASSES)
    rules = "\n\n".join(_rules(one) for one in FIELD_CLASSES)
    return f"{_HEAD}\n\n:root {{\n{colours}\n}}\n\n{rules}\n"


def _rules(one: FieldClass) -> str:
    code = one.code
    box = f"stroke: var(--box-{code}); stroke-width: {one.line}px;"
    box += " cursor: pointer;" if one.white else ""
    return "\n".join(
        (
            f".boxes-{code} rect {{ {box} }}",
            f".swatch-{code} {{ color: var(--box-{code}); }}",
            f"body:has(#show-{code}:not(:checked)) .boxes-{code} {{ display: none; }}",
        )
    )


if __name__ == "__main__":
    STYLE_SHEET.write_text(style_sheet(), encoding="utf-8")
