from dataclasses import replace
from datetime import date

from records import db
from records.analyses.field_tasks import FieldTask
from records.analyses.slide_areas import SlideArea
from records.worklist.field_measures import FieldMeasures
from services.statistics.field_measures import measures_of
from tests.cases import put_cell, put_field
from tests.records.analyses.test_analyses import account
from tests.records.cases.test_cases import opened
from tests.services.analyses.fields import NAMED_CELLS, named_field, older_field
from tests.watch import MEASURES, put_watched

DAY = date(2026, 3, 2)


def rows() -> list[FieldMeasures]:
    return list(db.session.scalars(db.select(FieldMeasures)))


def test_a_field_keeps_its_measures_as_it_is_kept(app):
    with app.app_context():
        ada = account("ada")
        field = put_watched(ada, DAY, size=(600, 800), blast=7)
        (row,) = rows()
        assert (row.analysis_id, row.team_id, row.day) == (field.id, field.team_id, DAY)
        assert (row.long_side, row.short_side) == (800, 600)
        assert {name: getattr(row, name) for name in MEASURES} == MEASURES
        assert (row.white_cells, row.blasts, row.uncertain) == (100, 7, 10)
        assert row.out_of_distribution is None


def test_cells_unlike_those_known_are_counted_where_that_was_told():
    told = [
        replace(cell, in_distribution=number > 0) for number, cell in enumerate(NAMED_CELLS[:-1])
    ]
    found = named_field(detections=(*told, NAMED_CELLS[-1]))
    analysis = older_field()
    analysis.finding = found.to_dict()
    assert measures_of(analysis, is_area=False).out_of_distribution == 1


def test_a_field_of_before_has_what_its_counts_tell():
    analysis = older_field()
    analysis.counts = analysis.quality = None
    row = measures_of(analysis, is_area=False)
    assert (row.light, row.focus, row.white_cells, row.out_of_distribution) == (None, None, 0, None)


def test_demos_unreadable_fields_and_cell_images_are_left_out(app):
    with app.app_context():
        ada = account("ada")
        put_watched(ada, DAY, opened(ada, demo=True).id)
        put_watched(ada, DAY, result="not_readable")
        case = opened(ada, "B-2")
        put_cell(case)
        assert rows() == []
        put_field(case)
        assert len(rows()) == 1


def test_an_area_of_a_slide_has_no_size(app):
    with app.app_context():
        ada = account("ada")
        task = FieldTask(owner_id=ada, batch_id="b", file_name="f")
        task.area = SlideArea(left=0, top=0, width=400, height=400)
        db.session.add(task)
        db.session.commit()
        put_watched(ada, DAY, analysis_id=task.id)
        (row,) = rows()
        assert (row.long_side, row.short_side, row.light) == (None, None, 230.0)
