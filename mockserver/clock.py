"""Time and identity. Everything that reads a clock or needs a fresh id is handed one of these.

With a `FixedClock` and seeded `Ids` the same requests get the same bytes.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable
from typing import Protocol

_VARIANT = "89ab"


class Clock(Protocol):
    """What tells the time."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000


class FixedClock:
    """A clock that moves only when it is told to."""

    def __init__(self, at_ms: int) -> None:
        self._at_ms = at_ms

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return self._at_ms

    def advance(self, ms: int) -> None:
        """Move on by `ms` milliseconds."""
        self._at_ms += ms


class VirtualClock(FixedClock):
    """A fixed clock that moves on when a paced stream waits: slow streams are over at once."""

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass, and others have their turn."""
        self.advance(round(seconds * 1000))
        await asyncio.sleep(0)


class Ids:
    """The source of ids: random by default, a repeatable sequence with a seed."""

    def __init__(self, seed: int | None = None) -> None:
        # S311 is about secrets; these are names that a test wants to see again.
        self._bytes: Callable[[int], bytes] = os.urandom if seed is None else random.Random(seed).randbytes  # noqa: S311

    def request_id(self) -> str:
        """UUID text as the gateway makes it: the version digit is 9 (all recordings of the classic host)."""
        return self._uuid("9")

    def uuid4(self) -> str:
        """UUID text of version 4, as the files service uses it."""
        return self._uuid("4")

    def hex(self, digits: int) -> str:
        """`digits` random hexadecimal digits."""
        return self._bytes((digits + 1) // 2).hex()[:digits]

    def _uuid(self, version: str) -> str:
        digits = self._bytes(16).hex()
        variant = _VARIANT[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
