"""Markdown of our own documents to HTML that our Content-Security-Policy lets through."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

ImageAddress = Callable[[str], str | None]
"""From the source of an image in the text to its address, or to None where it is not to be had."""

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TITLE_TOKENS = 3


@dataclass(frozen=True)
class Heading:
    """A section of a document: the id to link to, and its title."""

    id: str
    title: str


@dataclass(frozen=True)
class Document:
    """HTML without the document's own title, and its sections (headings of level 2), in order."""

    html: Markup
    sections: tuple[Heading, ...]


def render(text: str, image_address: ImageAddress) -> Document:
    """Turn Markdown into HTML; HTML within it is shown as text, its comments are left out."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = _without_title(parser.parse(_COMMENT.sub("", text)))
    sections = tuple(_named_sections(tokens))
    for token in tokens:
        _align_by_class(token)
        token.children = [
            child for child in token.children or () if _addressed(child, image_address)
        ] or None
    # The parser has escaped whatever is text.
    html = parser.renderer.render(list(_tables_that_scroll(tokens)), parser.options, {})
    return Document(Markup(html), sections)  # noqa: S704


def _without_title(tokens: list[Token]) -> list[Token]:
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        return tokens[_TITLE_TOKENS:]
    return tokens


def _named_sections(tokens: list[Token]) -> Iterator[Heading]:
    """Give each heading of level 2 an id."""
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            name = re.sub(r"\W+", "-", inline.content.lower()).strip("-")
            token.attrSet("id", name)
            yield Heading(name, inline.content)


def _align_by_class(token: Token) -> None:
    """Align columns by class: the policy forbids the style attribute."""
    if "right" in str(token.attrs.pop("style", "")):
        token.attrSet("class", "number")


def _addressed(token: Token, image_address: ImageAddress) -> bool:
    """Point an image to where it is; whether there is anything to show."""
    if token.type != "image":
        return True
    address = image_address(str(token.attrs["src"]))
    token.attrs |= {"src": address or "", "class": "chart", "loading": "lazy"}
    return address is not None


def _tables_that_scroll(tokens: list[Token]) -> Iterator[Token]:
    """Wrap each table, so that it scrolls on a narrow screen, also by keyboard.

    Tables below one heading are numbered from the second on: no two regions have the same name.
    """
    heading, number = "", 0
    for token, inline in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and inline:
            heading, number = f"Table: {inline.content}", 0
        if token.type == "table_open":
            number += 1
            label = escape(heading if number == 1 else f"{heading}, {number}")
            yield _raw(
                f'<div class="table-scroll" role="region" tabindex="0" aria-label="{label}">'
            )
        yield token
        if token.type == "table_close":
            yield _raw("</div>\n")


def _raw(html: str) -> Token:
    return Token("html_block", "", 0, content=html)
