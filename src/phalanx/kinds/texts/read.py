"""Reading text files, whose encoding is found out; every end of a line becomes a line feed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from phalanx.data.encodings import Decoded, decode
from phalanx.data.files import BrokenFileError, Files, Watch, read_files
from phalanx.data.folder import FileKind, Listing, holds, list_folder, plain
from phalanx.data.names import some
from phalanx.errors import InputError

TEXTS = FileKind("text", "texts", (".txt",))


def holds_texts(paths: Sequence[Path]) -> bool:
    """Tell whether paths are text files by their suffix, or one folder that holds such files at any depth."""
    if len(paths) == 1 and paths[0].is_dir():
        return holds(paths[0], TEXTS)
    return all(map(TEXTS.has, paths))


def load_texts(paths: Sequence[Path], strict: bool = False, watch: Watch | None = None) -> Files:
    """Read a folder of texts, with a sub-folder for each class, or text files, which have no labels.

    See `list_folder` and `read_files`. Texts that are empty or cannot be decoded are left out with a note, or refused
    with `strict`. Raises InputError also for what does not exist and what is no text file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("good", "bad"):
    ...         Path(folder, name).mkdir()
    ...         _ = Path(folder, name, "1.txt").write_text(f"a {name} film", encoding="utf-8")
    ...     found = load_texts([Path(folder)])
    >>> found.answers, found.labels
    (['a bad film', 'a good film'], ['bad', 'good'])
    """
    if len(paths) == 1 and paths[0].is_dir():
        return _texts(*list_folder(paths[0], TEXTS), strict, watch)
    for path in paths:
        if not path.exists():
            raise InputError(f"no such file: {plain(path)!r}")
        if not TEXTS.has(path) or path.is_dir():
            raise InputError(f"{plain(path)!r} is not a text file ({', '.join(TEXTS.suffixes)})")
    return _texts(Listing(list(paths), None, []), None, strict, watch)


def _texts(listing: Listing, held_out: Listing | None, strict: bool, watch: Watch | None) -> Files:
    found = read_files(listing, held_out, read_text, TEXTS, strict, watch)
    test = None if found.test is None else _unwrapped(found.test, ())
    return _unwrapped(found, () if found.test is None else found.test.answers, test)


def _unwrapped(files: Files, others: Sequence[Decoded], test: Files | None = None) -> Files:
    """Return files whose answers are texts, with a note on those of them, and of `others`, that are not UTF-8."""
    notes = list(files.notes)
    paths = [*files.paths, *(() if test is None else test.paths)]
    every = [*files.answers, *others]
    encoded: dict[str, list[str]] = {name: [] for name in sorted({answer.encoding for answer in every} - {"UTF-8"})}
    for path, answer in zip(paths, every, strict=True):
        if answer.encoding in encoded:
            encoded[answer.encoding].append(path)
    notes += [
        f"{len(held):,} of {len(every):,} texts are read as {name}: {some(held)}" for name, held in encoded.items()
    ]
    return replace(files, answers=[answer.text for answer in files.answers], notes=tuple(notes), test=test)


def read_text(path: Path) -> Decoded:
    """Return the text of a file and its encoding; raise BrokenFileError for one that is empty or cannot be decoded."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BrokenFileError((error.strerror or str(error)).lower()) from error
    try:
        decoded = decode(raw)
    except ValueError as error:
        raise BrokenFileError(str(error)) from error
    if not decoded.text.strip():
        raise BrokenFileError("empty")
    return decoded._replace(text=decoded.text.replace("\r\n", "\n").replace("\r", "\n"))


def read_long_text(path: Path) -> Decoded:
    """Return the text of one file, as `read_text`; raise InputError for one that is absent, empty or no text."""
    try:
        return read_text(path)
    except BrokenFileError as error:
        raise InputError(f"{plain(path)!r} cannot be read: {error}") from error
