"""What the reading room tells of a cell beside its class: its form, comments and their history."""

from __future__ import annotations

from typing import Any

from core.morphology import ATTRIBUTES
from pages.common.morphology import attribute_name, in_words, value_name
from records.cases.attribute_reviews import AttributeReview
from records.cases.cases import Case
from records.cases.comments import CellComment
from services.cases import cell_notes
from services.cases.cell_notes import Attribute


def notes_of(case: Case, cell: str, account_id: str) -> dict[str, Any]:
    """Describe form, corrections of it and comments of a cell to the script of a person."""
    corrections = cell_notes.corrections_of(case, cell, account_id)
    comments = cell_notes.comments_on(case, cell, account_id)
    return {
        "form": [_attribute_to_dict(one) for one in cell_notes.form_of(case, cell, account_id)],
        "corrections": [_correction_to_dict(one) for one in corrections],
        "comments": [_comment_to_dict(one) for one in comments],
    }


def _attribute_to_dict(attribute: Attribute) -> dict[str, Any]:
    value, review = attribute.value, attribute.review
    return {
        "name": attribute.name,
        "heading": attribute_name(attribute.name),
        "value": value,
        "words": value and in_words(attribute.name, value),
        "probability": None if review else attribute.probability,
        "by": review and review.reviewer.name,
        "values": [[one, value_name(one)] for one in ATTRIBUTES[attribute.name]],
    }


def _correction_to_dict(review: AttributeReview) -> dict[str, Any]:
    before = review.value_before
    return {
        "by": review.reviewer.name,
        "at": review.at.isoformat(),
        "heading": attribute_name(review.attribute),
        "from": before and value_name(before),
        "to": value_name(review.value),
    }


def _comment_to_dict(comment: CellComment) -> dict[str, Any]:
    return {"by": comment.author.name, "at": comment.at.isoformat(), "text": comment.text}
