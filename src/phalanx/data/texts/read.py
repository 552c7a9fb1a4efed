"""Reading text files: UTF-8, or UTF-16 with a mark at its beginning; every end of a line becomes a line feed."""

from collections.abc import Sequence
from pathlib import Path

from phalanx.data.files import BrokenFileError, Files, Watch, read_files
from phalanx.data.folder import FileKind, Listing, holds, list_folder, plain
from phalanx.errors import InputError

TEXTS = FileKind("text", "texts", (".txt",))

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


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
        return read_files(*list_folder(paths[0], TEXTS), read_text, TEXTS, strict, watch)
    for path in paths:
        if not path.exists():
            raise InputError(f"no such file: {plain(path)!r}")
        if not TEXTS.has(path) or path.is_dir():
            raise InputError(f"{plain(path)!r} is not a text file ({', '.join(TEXTS.suffixes)})")
    return read_files(Listing(list(paths), None, []), None, read_text, TEXTS, strict, watch)


def read_text(path: Path) -> str:
    """Return the text of a file; raise BrokenFileError for one that is empty or cannot be decoded."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BrokenFileError((error.strerror or str(error)).lower()) from error
    try:
        text = raw.decode("utf-16" if raw[:2] in _UTF16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        coding = "UTF-8" if error.encoding.startswith("utf-8") else "UTF-16"
        # The mark at the beginning, which "utf-8-sig" removes, is not counted by the error.
        skipped = 3 if coding == "UTF-8" and raw.startswith(b"\xef\xbb\xbf") else 0
        raise BrokenFileError(f"not {coding} at byte {error.start + skipped:,}, counted from 0") from error
    if "\0" in text:
        raise BrokenFileError("not a text: it holds zero bytes")
    if not text.strip():
        raise BrokenFileError("empty")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_book(path: Path) -> str:
    """Return the text of one file; raise InputError for one that is absent, empty or cannot be decoded."""
    try:
        return read_text(path)
    except BrokenFileError as error:
        mend = "; save it as UTF-8" if str(error).startswith("not UTF") else ""
        raise InputError(f"{plain(path)!r} cannot be read: {error}{mend}") from error
