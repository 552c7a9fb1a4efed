"""What is asked of the images' reader, within memory."""

from dataclasses import dataclass

from phalanx.data.files import Watch
from phalanx.errors import InputError

_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


@dataclass(frozen=True)
class Request:
    """What the caller of `load_images` states (see there); `memory` is the number of bytes that are free."""

    size: tuple[int, int] | None
    channels: int | None
    strict: bool
    memory: int
    watch: Watch | None

    def check_memory(self, needed: int, what: str, remedy: str) -> None:
        """Raise InputError where `needed` bytes are more than half of what is free."""
        if needed > self.memory // 2:
            raise InputError(
                f"{what} need {_bytes(needed)} of memory, but only {_bytes(self.memory // 2)} (half of what is free) "
                f"may be used: {remedy}"
            )


def _bytes(count: int) -> str:
    return next((f"{count / unit:,.1f} {name}" for unit, name in _UNITS if count >= unit), f"{count} bytes")
