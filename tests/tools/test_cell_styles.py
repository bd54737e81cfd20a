from tools.cell_styles import STYLE_SHEET, style_sheet


def test_the_style_sheet_is_what_the_taxonomy_gives():
    assert STYLE_SHEET.read_text(encoding="utf-8") == style_sheet()
