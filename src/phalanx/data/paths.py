"""The files that a source names."""

from pathlib import Path


def paths_of(source: str) -> list[Path]:
    """Return the files or the folder that a source names; none for a bundled name."""
    given = [Path(source)] if Path(source).exists() else [Path(part.strip()) for part in source.split(",")]
    return given if all(path.exists() for path in given) else []
