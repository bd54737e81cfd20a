from dataclasses import replace

from models.findings import Namer
from records.analyses.field_tasks import FieldTask
from services.analyses.batches import combined, counts_of
from services.analyses.findings import BlastShare, read_opinions
from tests.services.analyses.fields import kept, read_field


def read(**changes: object) -> FieldTask:
    return FieldTask(counts=counts_of(kept(read_field(**changes))))


def test_the_fields_of_a_batch_are_added_up():
    healthy = tuple(
        replace(cell, label="wbc", classifier_label="normal")
        for cell in read_field().detections
        if cell.label in {"blast", "wbc"}
    )
    count = combined([read(), FieldTask(), read(detections=healthy), read()])

    assert count.fields == 3
    assert count.counts == {"blast": 4, "wbc": 8, "smudge": 0, "rbc": 2, "platelet": 0}
    assert count.share == BlastShare(4, 12)


def test_uncertain_cells_are_added_up_where_the_classifier_names():
    count = combined([read(), read(named_by=Namer.CLASSIFIER)])

    assert count.share == BlastShare(4, 8, 1)


def test_where_nothing_is_read_nothing_is_counted():
    count = combined([FieldTask()])

    assert (count.fields, count.share) == (0, BlastShare(0, 0))
    assert set(count.counts.values()) == {0}


def test_a_single_field_is_told_like_a_batch_of_one():
    task = read()

    assert read_opinions(task.counts).share == combined([task]).share == BlastShare(2, 4)
