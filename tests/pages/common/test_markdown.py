import re

import pytest

from pages.common.markdown import Heading, render

CARD = """# Classifier 1

First words.

## What it is for

<!-- figures:begin -->
| set | AUROC |
| --- | ---: |
| a & b | 0.9 |
<!-- figures:end -->

### Charts

![ROC curves](charts/roc.svg)

![Not drawn](charts/gone.svg)
"""


@pytest.fixture
def document():
    return render(CARD, {"charts/roc.svg": "/models/classifier/charts/roc.svg"}.get)


def test_the_documents_own_title_is_left_to_the_page(document):
    assert "<h1" not in document.html
    assert document.html.startswith("<p>First words.</p>")


def test_sections_can_be_linked_to(document):
    assert document.sections == (Heading("what-it-is-for", "What it is for"),)
    assert '<h2 id="what-it-is-for">What it is for</h2>' in document.html


def test_markers_of_figures_are_not_shown(document):
    assert "figures:" not in document.html


def test_tables_scroll_by_keyboard_too_and_are_named(document):
    opening = '<div class="table-scroll" role="region" tabindex="0" aria-label="Table: '
    assert f'{opening}What it is for"><table>' in document.html.replace("\n", "")


def test_tables_below_one_heading_have_names_of_their_own():
    table = "| a |\n|---|\n| 1 |\n"
    text = render(f"## Counts\n\n{table}\ntext\n\n{table}", lambda _name: None).html
    assert re.findall(r"aria-label=\"([^\"]+)\"", text) == ["Table: Counts", "Table: Counts, 2"]


def test_columns_are_aligned_without_inline_style(document):
    assert "style=" not in document.html
    assert '<td class="number">0.9</td>' in document.html
    assert "<td>a &amp; b</td>" in document.html


def test_images_point_to_where_they_are_or_are_left_out(document):
    assert 'src="/models/classifier/charts/roc.svg" alt="ROC curves"' in document.html
    assert "Not drawn" not in document.html
    assert document.html.count("<img") == 1


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        '## <b onclick="x">',
        '## "><script>\n\n| a |\n| --- |\n| <script> |',
    ],
)
def test_html_of_a_card_is_text(text):
    html = render(text, {}.get).html
    for tag in ("<script", "<img", "<b", 'href="javascript'):
        assert tag not in html
