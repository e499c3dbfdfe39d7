"""When frames leave.

A pacing names four things in seconds: the time to the first frame, the time between two, how far a frame may
stray from its time, and how many tokens a frame holds. The schedule is absolute: frame k belongs at
`ttft + k * itl` after the start, give or take `jitter`, whenever the frame before it was really sent. So
delays never add up, and a stream takes as long as the pacing says.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from itertools import count, islice

from mockserver import resources
from mockserver.wire import units

__all__ = ["Pacing", "named", "offsets", "profiles", "schedule"]


@dataclass(frozen=True, slots=True)
class Pacing:
    """How a stream is paced. Seconds; `tokens_per_chunk` None leaves the chunks as the service cuts them.

    Raises:
        ValueError: a time is negative or longer than an hour, or a chunk would hold no token.
    """

    ttft: float = 0.0
    itl: float = 0.0
    jitter: float = 0.0
    tokens_per_chunk: int | None = None

    def __post_init__(self) -> None:
        for name in ("ttft", "itl", "jitter"):
            _check_seconds(name, getattr(self, name))
        if self.tokens_per_chunk is not None and units.count(self.tokens_per_chunk) < 1:
            raise ValueError("tokens_per_chunk: a chunk holds at least one token")


def _check_seconds(name: str, value: float) -> None:
    if not isinstance(value, int | float):
        raise ValueError(f"{name}: {value!r} is not a number of seconds")  # noqa: TRY004 - as for any bad value
    try:
        units.seconds(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def offsets(pacing: Pacing, rng: random.Random) -> Iterator[float]:
    """The time of each frame in seconds from the start, without end. Never goes back."""
    last = 0.0
    for k in count():
        stray = rng.uniform(-pacing.jitter, pacing.jitter) if pacing.jitter else 0.0
        last = max(last, pacing.ttft + k * pacing.itl + stray)
        yield last


def schedule(pacing: Pacing, n: int, rng: random.Random) -> tuple[float, ...]:
    """The times of the first `n` frames."""
    return tuple(islice(offsets(pacing, rng), n))


@cache
def profiles() -> Mapping[str, Pacing]:
    """The named pacings of `fixtures/pacing.json`."""
    rows = resources.load("fixtures", "pacing.json")["profiles"]
    known = {each.name for each in fields(Pacing)}
    return {name: Pacing(**{k: v for k, v in row.items() if k in known}) for name, row in rows.items()}


def named(name: str) -> Pacing:
    """A named pacing.

    Raises:
        ValueError: there is none of that name. The text lists what there is.
    """
    if name not in profiles():
        close = get_close_matches(name, profiles(), n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(profiles())}"
        raise ValueError(f"there is no pacing named {name!r}; {hint}")
    return profiles()[name]
