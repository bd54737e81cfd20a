"""What was done to make weights: each command and its options, in order, for the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ORDER = ("train", "predict", "export", "quantize", "calibrate", "evaluate")
"""Phases in the order in which they rest upon each other."""

Phase = dict[str, Any]
"""Of a manifest: "phase" (one of `ORDER`), "command", "options" by name, perhaps a "note"."""


def phase(name: str, command: str, options: Mapping[str, Any], note: str = "") -> Phase:
    """Describe a phase; paths among the options are left out, for they name one machine's."""
    plain = {key: value for key, value in options.items() if _is_told(value)}
    return {
        "phase": name,
        "command": command,
        "options": plain,
        **({"note": note} if note else {}),
    }


def with_phase(phases: Sequence[Phase], added: Phase) -> list[Phase]:
    """Add a phase; its own earlier run, and what rested upon that, no longer counts."""
    place = ORDER.index(added["phase"])
    return [*(each for each in phases if ORDER.index(each["phase"]) < place), added]


def phase_list(phases: Sequence[Phase]) -> str:
    """Return phases as a numbered list in Markdown."""
    return "\n".join(f"{number}. {_sentence(each)}" for number, each in enumerate(phases, start=1))


def note_of(phases: Sequence[Phase], name: str) -> str:
    """Return the note of a phase, empty where it has none."""
    return next((each.get("note", "") for each in phases if each["phase"] == name), "")


def _sentence(each: Phase) -> str:
    options = ", ".join(f"{name} {_value(value)}" for name, value in each["options"].items())
    named = f"{each['phase'].capitalize()} (`{each['command']}`)"
    told = f"{named}: {options}" if options else named
    return f"{told}. {each['note']}" if "note" in each else told


def _value(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _is_told(value: object) -> bool:
    """Tell whether a value belongs into a manifest: JSON's, and given."""
    if isinstance(value, list | tuple):
        return all(map(_is_told, value))
    return isinstance(value, bool | int | float | str) and value != ""
