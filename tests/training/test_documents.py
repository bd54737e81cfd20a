from training.documents import point_links, replace_between, table


def test_figures_are_replaced_and_the_rest_is_kept(tmp_path):
    document = tmp_path / "card.md"
    document.write_text("# Card\n\n<!-- detector:begin -->\nold\n<!-- detector:end -->\n\nLimits\n")
    replace_between(document, "detector", "new")
    assert document.read_text() == (
        "# Card\n\n<!-- detector:begin -->\nnew\n<!-- detector:end -->\n\nLimits\n"
    )


def test_two_sections_live_in_one_new_document(tmp_path):
    document = tmp_path / "validation.md"
    replace_between(document, "detector", "one")
    replace_between(document, "classifier", "two")
    replace_between(document, "detector", "three")
    text = document.read_text()
    assert "one" not in text
    assert text.index("three") < text.index("two")


def test_a_table_is_markdown():
    assert table(("a", "b"), [("x", "1")]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_links_into_the_weights_of_a_model_follow_its_version(tmp_path):
    document = tmp_path / "validation.md"
    document.write_text("(../weights/a/1/x.svg) (../weights/b/1/x.svg) `weights/a/active`")
    point_links(document, "a", "2")
    assert document.read_text() == (
        "(../weights/a/2/x.svg) (../weights/b/1/x.svg) `weights/a/active`"
    )
