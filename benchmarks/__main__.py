"""Run all benchmarks."""

from benchmarks import (
    answers,
    hundred_cells,
    laboratory_model,
    large_field,
    many_cells,
    precision,
    reading_room,
    slides,
    startup,
)

if __name__ == "__main__":
    answers.main()
    many_cells.main()
    startup.main()
    laboratory_model.main()
    large_field.main()
    precision.main()
    reading_room.main()
    hundred_cells.main()
    slides.main()
