"""What became of an answer: counted while it is sent, told once at its end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

How = Literal["finished", "client-left", "reset", "closed", "stalled", "cut"]
"""`closed`: a FIN before the end; `stalled`: nothing came any more; `cut`: this server stopped."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended. `events` and `bytes` (of the body, as sent) say how far it came.

    `offsets_ms` are the times of the events since the answer began. `idle` names the faults that found
    nothing to act on. Without a `Progress` an answer without faults and pacing is not counted: zeros.
    """

    how: How
    events: int = 0
    bytes: int = 0
    offsets_ms: tuple[float, ...] = ()
    idle: tuple[str, ...] = ()


class Progress:
    """Counts what has been sent. `on_end` is called once, before the last bytes of the answer leave."""

    __slots__ = ("_began", "_ended", "_now", "_on_end", "_size", "_times", "idle")

    def __init__(self, now: Callable[[], float], on_end: Callable[[Ending], None] | None = None) -> None:
        self._now = now
        self._began = now()
        self._on_end = on_end
        self._times: list[float] = []
        self._size = 0
        self._ended: Ending | None = None
        self.idle: tuple[str, ...] = ()

    def sent(self, size: int, events: int = 1) -> None:
        """So many bytes have left, and with them so many events are complete."""
        self._size += size
        if events:
            self._times.extend([self._now()] * events)

    def use(self, now: Callable[[], float]) -> None:
        """Read another clock, and begin anew."""
        self._now = now
        self._began = now()

    def end(self, how: How) -> Ending:
        """The answer has ended. The first call counts, the others return what it said."""
        if self._ended is None:
            offsets = tuple(round((time - self._began) * 1000, 3) for time in self._times)
            self._ended = Ending(how, len(offsets), self._size, offsets, self.idle)
            if self._on_end is not None:
                self._on_end(self._ended)
        return self._ended
