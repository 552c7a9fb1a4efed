"""A chapter in the shell: its text with plain formulas, and its pictures as files beside."""

import re
from collections.abc import Mapping
from pathlib import Path

from rich.markdown import Markdown

from phalanx.notes.formulas import plain

_PICTURE = re.compile(r"!\[([^\]]*)\]\((\w+)\)")
_LINK = re.compile(r"\[([^\]]+)\]\(chapter:(\w+)\)")
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", re.DOTALL)
_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


def readable(markdown: str, pictures: Mapping[str, Path]) -> Markdown:
    """Return a chapter's text as a terminal shows it: formulas in plain letters, pictures and links as their names."""
    prose = [part if part.startswith("`") else _plain(part, pictures) for part in _CODE.split(markdown)]
    return Markdown("".join(prose), code_theme="ansi_dark")


def _plain(prose: str, pictures: Mapping[str, Path]) -> str:
    prose = _PICTURE.sub(lambda found: f"> **{pictures[found[2]]}**: {found[1]}", prose)
    prose = _LINK.sub(lambda found: f"{found[1]} (`phalanx notes {found[2]}`)", prose)
    return _FORMULA.sub(
        lambda found: f"\n\n    {plain(found[1])}\n\n" if found[1] else _escaped(plain(found[2])), prose
    )


def _escaped(text: str) -> str:
    return re.sub(r"([*_\\])", r"\\\1", text)
