"""The columns that name files of an instance; a file that none of them names belongs to nothing."""

from __future__ import annotations

from sqlalchemy import String, TypeDecorator, select, union

from records import db

IMAGES, UPLOADS, SLIDES = "images", "uploads", "slides"


class StoredFile(TypeDecorator[str]):
    """The name of a file in the store of one folder: `IMAGES`, `UPLOADS` or `SLIDES`.

    Every such column must have this type: the start removes files that no such column names, and a
    backup copies those that one does.
    """

    impl = String
    cache_ok = True

    def __init__(self, folder: str) -> None:
        super().__init__(40)
        self.folder = folder


def named(folder: str) -> set[str]:
    """Return the names of all files of one folder that rows name."""
    columns = [
        column
        for table in db.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, StoredFile) and column.type.folder == folder
    ]
    wanted = union(*(select(column).where(column.is_not(None)) for column in columns))
    return set(db.session.scalars(wanted))
