"""A chapter's pictures as files: for light and dark pages, or on a ground of their own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from phalanx.notes.chapter import Chapter
from phalanx.notes.style import theme


def write_figures(chapter: Chapter, found: dict[str, Any], folder: Path) -> list[str]:
    """Write each picture as `name.svg` and `name-dark.svg` into a folder that exists; return their names."""
    written: list[str] = []
    with theme("light"):
        for name, picture in chapter.draw(found).items():
            _write(picture, folder / f"{name}.svg")
            written.append(name)
    with theme("dark"):
        for name, picture in chapter.draw(found).items():
            _write(picture, folder / f"{name}-dark.svg")
    return written


def write_pictures(chapter: Chapter, found: dict[str, Any], folder: Path) -> Iterator[tuple[str, Path]]:
    """Write each picture, a PNG where it is a figure, into a folder that exists; yield their names and files."""
    with theme("light", ground=True):
        for name, picture in chapter.draw(found).items():
            path = folder / f"{name}.{'svg' if isinstance(picture, str) else 'png'}"
            _write(picture, path)
            yield name, path


def _write(picture: Figure | str, path: Path) -> None:
    if isinstance(picture, str):
        path.write_text(picture, encoding="utf-8")
    else:
        picture.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
