"""Sounds of a folder, of files, or of a table that names files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from phalanx.data.files import Files, Watch, read_files
from phalanx.data.folder import Listing, holds, list_folder, plain
from phalanx.errors import InputError
from phalanx.kinds.sounds.file import SOUNDS, Sound, read_sound

_GROWTH = 3  # bytes in memory for each byte of files, which mostly have 2 a sample where there are 4 in memory


def holds_sounds(paths: Sequence[Path]) -> bool:
    """Tell whether paths are WAV files by their suffix, or one folder that holds such files at any depth."""
    if len(paths) == 1 and paths[0].is_dir():
        return holds(paths[0], SOUNDS)
    return all(map(SOUNDS.has, paths))


def load_sounds(paths: Sequence[Path], strict: bool = False, watch: Watch | None = None) -> Files:
    """Read a folder of WAV files, with a sub-folder for each class, or WAV files, which have no labels.

    See `list_folder` and `read_files`; the answers are of type `Sound`. Files that cannot be read are left out with a
    note, or refused with `strict`. Raises InputError also for what does not exist, what is no WAV file, and sounds that
    do not fit in memory.
    """
    if len(paths) == 1 and paths[0].is_dir():
        return _read(*list_folder(paths[0], SOUNDS), strict, watch)
    for path in paths:
        if not path.exists():
            raise InputError(f"no such file: {plain(path)!r}")
        if not SOUNDS.has(path) or path.is_dir():
            raise InputError(f"{plain(path)!r} is not a WAV file ({', '.join(SOUNDS.suffixes)})")
    return _read(Listing(list(paths), None, []), None, strict, watch)


def open_sounds(paths: Sequence[Path], strict: bool = False, watch: Watch | None = None) -> Files:
    """Read the WAV files that a column of a table names; see `load_sounds`."""
    return _read(Listing(list(paths), None, []), None, strict, watch)


def _read(listing: Listing, held_out: Listing | None, strict: bool, watch: Watch | None) -> Files:
    """Read the sounds of a listing, with a note where their rates differ; raise InputError where memory is short."""
    paths = listing.files + (held_out.files if held_out else [])
    needed = _GROWTH * sum(path.stat().st_size for path in paths if path.is_file())
    free = psutil.virtual_memory().available // 2
    if needed > free:
        raise InputError(
            f"{len(paths):,} sounds need about {needed / 1e9:,.1f} GB of memory, but only {free / 1e9:,.1f} GB (half "
            f"of what is free) may be used: give fewer or shorter sounds, or such of a lower rate"
        )
    files = read_files(listing, held_out, read_sound, SOUNDS, strict, watch)
    sounds: list[Sound] = files.answers + (files.test.answers if files.test else [])
    counts = Counter(sound.rate for sound in sounds).most_common()
    if len(counts) == 1:
        return files
    listed = ", ".join(f"{rate:,} ({count:,})" for rate, count in counts[:3]) + (", ..." if len(counts) > 3 else "")
    note = f"sounds differ in samples a second: {listed}; all are brought to one rate"
    return replace(files, notes=(*files.notes, note))
