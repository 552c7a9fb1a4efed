"""What was decided about the columns of a table while its cells were read, in words."""

from collections.abc import Mapping

from phalanx.data.names import some
from phalanx.data.reading import Reading


def read_notes(readings: Mapping[str, Reading]) -> list[str]:
    """Return what was decided about numbers, and the cells that are none though their column holds numbers."""
    notes, styles, units = [], dict[str, list[str]](), dict[str, list[str]]()
    for name, reading in readings.items():
        if reading.style:
            styles.setdefault(reading.style, []).append(name)
        if reading.unit:
            units.setdefault(reading.unit, []).append(name)
    notes += [f"numbers with {style} in {some(names)}" for style, names in styles.items()]
    notes += [f"numbers with {unit!r} in {some(names)}" for unit, names in units.items()]
    if timed := [name for name, reading in readings.items() if reading.seconds]:
        notes.append(f"durations, in seconds, in {some(timed)}")
    kept: dict[str, list[str]] = {}
    for name, reading in readings.items():
        for word in reading.kept:
            kept.setdefault(word, []).append(name)
    notes += [
        f"{word!r} is a value, not missing, in {some(names)} (--missing {word} changes it)"
        for word, names in kept.items()
    ]
    return notes + bad_cells(readings)


def bad_cells(readings: Mapping[str, Reading]) -> list[str]:
    """Say of each column of numbers, or of dates, which cells are none; they count as missing."""
    notes = []
    for name, reading in readings.items():
        if reading.bad:
            cells = f"{len(reading.bad):,} cells" if len(reading.bad) > 1 else "a cell"
            named = ", ".join(f"row {row} holds {_short(cell)!r}" for row, cell in reading.bad[:3])
            more = ", ..." if len(reading.bad) > 3 else ""
            notes.append(
                f"column {name!r} has {cells} that {'are' if len(reading.bad) > 1 else 'is'} no "
                f"{'date' if reading.dates else 'number'}, taken for missing: {named}{more}"
            )
    return notes


def spellings(missing: Mapping[str, int]) -> str:
    """Return in words which spellings were taken for missing.

    >>> spellings({"": 12, "NA": 3})
    'empty 12, NA 3'
    """
    shown = [f"{word or 'empty'} {count:,}" for word, count in list(missing.items())[:4]]
    return ", ".join(shown) + (", ..." if len(missing) > len(shown) else "")


def _short(cell: str) -> str:
    return cell if len(cell) <= 40 else f"{cell[:37]}..."
