"""The choice of a list, which the stubs of WTForms do not know yet."""

from __future__ import annotations

from typing import Any

from wtforms.fields import choices

SelectChoice: Any = choices.SelectChoice  # pyright: ignore[reportAttributeAccessIssue]
