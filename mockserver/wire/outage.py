"""Faults that come and go: an outage with its recovery, and an error rate that climbs or falls.

Both are small state machines that a session keeps. They are asked once per request and hand out what they were
given (a `Fault`, or anything else that says what goes wrong), or None. Time is handed in, in seconds from
anywhere, and so is chance: the same times and seed give the same answers.
"""

import random
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


class _Span:
    """So many requests, or so many seconds from the first one on."""

    def __init__(self, requests: int | None, seconds: float | None) -> None:
        given = [extent for extent in (requests, seconds) if extent is not None]
        if len(given) != 1 or given[0] <= 0:
            raise ValueError("It lasts for a number of requests or of seconds: give one of them, above 0.")
        self._requests = requests
        self._seconds = given[0]
        self._seen = 0
        self._began: float | None = None

    def passed(self, now: float) -> float:
        """How much of it was over when this request came: 0 for the first, 1 or more when it has ended."""
        self._began = now if self._began is None else self._began
        self._seen += 1
        return (self._seen - 1) / self._requests if self._requests else (now - self._began) / self._seconds


@dataclass(slots=True)
class Outage(Generic[T]):
    """Everything fails for `requests` requests, or for `seconds` from the first one on; then all is well.

    Raises:
        ValueError: not exactly one of the two is given, or it is not above 0.
    """

    fault: T
    requests: int | None = None
    seconds: float | None = None
    _span: _Span = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._span = _Span(self.requests, self.seconds)

    def next(self, now: float, _rng: random.Random) -> T | None:
        """The fault, as long as the outage lasts."""
        return self.fault if self._span.passed(now) < 1 else None


@dataclass(slots=True)
class Ramp(Generic[T]):
    """Requests fail with a probability that goes evenly from `start` to `end`, and stays there.

    Raises:
        ValueError: as `Outage`, or a probability lies outside of 0 to 1.
    """

    fault: T
    start: float = 0.0
    end: float = 1.0
    requests: int | None = None
    seconds: float | None = None
    _span: _Span = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._span = _Span(self.requests, self.seconds)
        for name, value in (("start", self.start), ("end", self.end)):
            if not 0 <= value <= 1:
                raise ValueError(f"A ramp's {name} lies between 0 and 1, {value} does not.")

    def next(self, now: float, rng: random.Random) -> T | None:
        """The fault, if chance will have it. Chance is asked every time, so that it stays in step."""
        probability = self.start + (self.end - self.start) * min(1.0, self._span.passed(now))
        return self.fault if rng.random() < probability else None
