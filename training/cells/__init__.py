"""The classifier of single cells: one EfficientNetB3, three heads, two views, five folds."""
