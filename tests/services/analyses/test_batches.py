from dataclasses import replace

from records.analyses.field_tasks import FieldTask
from services.analyses.batches import combined, counts_of, field_share
from services.analyses.findings import BlastShare
from tests.services.analyses.fields import kept, read_field


def read(**changes: object) -> FieldTask:
    return FieldTask(counts=counts_of(kept(read_field(**changes))))


def test_the_fields_of_a_batch_are_added_up():
    healthy = tuple(
        replace(cell, label="wbc", second_label="normal")
        for cell in read_field().detections
        if cell.label in {"blast", "wbc"}
    )
    count = combined([read(), FieldTask(), read(detections=healthy), read()])

    assert count.fields == 3
    assert count.counts == {"blast": 4, "wbc": 8, "rbc": 2, "platelet": 0}
    assert count.share == BlastShare(4, 12)
    assert count.second == BlastShare(4, 12, 2)


def test_without_the_second_readers_word_on_all_there_is_no_second_count():
    count = combined([read(), read(second_model=None)])

    assert count.share == BlastShare(4, 8)
    assert count.second is None


def test_where_nothing_is_read_nothing_is_counted():
    count = combined([FieldTask()])

    assert (count.fields, count.share) == (0, BlastShare(0, 0))
    assert set(count.counts.values()) == {0}


def test_a_single_field_is_told_like_a_batch_of_one():
    task = read()

    assert field_share(task.counts) == combined([task]).share == BlastShare(2, 4)
