"""Content that is hashed: one form of JSON for the same content, wherever it is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical(content: Mapping[str, Any]) -> str:
    """JSON with sorted keys and without spaces."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of the canonical JSON in UTF-8."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()
