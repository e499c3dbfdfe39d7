"""Rate limits as the service has them: pure state machines over time that is handed in (milliseconds).

Limits hold for each model of each key by itself. A refusal is an error of the catalogue and tells which limit it was:

    rpm, rps         requests in a minute, in a second      Throttling.RateQuota        limit_requests
    tpm, tps         tokens in a minute, in a second        Throttling.AllocationQuota  insufficient_quota
    burst            the rate rises too quickly             Throttling.BurstRate        limit_burst_rate
    concurrency      requests that run at the same time     Throttling.Concurrency      (the same)

Sliding windows, and no token buckets: "60 a minute" then means what a test expects, the 61st request of any minute is
refused, and a place is free again when the oldest request is a minute old. A bucket would let twice as many through
after a pause and give back a place every second, so that the next answer depends on when the first request came.

A window remembers when requests came, each by itself up to `MARKS` of them. Where a limit is higher, requests within a
hundredth of the window are one mark with the time of the last, so that a limit is never exceeded and a place comes back
at most that much too late. A burst is a rise: of the requests in the last 10 seconds (`20/10s`) no more than 20 may be
above what the 10 seconds before them had. A client that rises slowly passes, however fast it becomes.

Tokens are known after the answer. A request is refused while the tokens of the window have reached the limit, so the
one that passes it is still answered, as at the service. A refused request counts for nothing. Refusals carry no
Retry-After, since the service sends none.
"""

import re
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Self

from mockserver.errors import ApiError
from mockserver.wire import units

__all__ = ["Limit", "Meter", "RateLimitError", "RateLimits"]

MARKS = 100
MAX_MODELS = 64
"""Models that one meter remembers; the one not used for the longest goes first."""
MOST = 1_000_000_000

_SECOND, _MINUTE = 1_000, 60_000
_WINDOWS: Mapping[str, int] = {"rpm": _MINUTE, "rps": _SECOND, "tpm": _MINUTE, "tps": _SECOND}
_ERRORS: Mapping[str, str] = {
    "concurrency": "Throttling.Concurrency",
    "burst": "Throttling.BurstRate",
    "rps": "Throttling.RateQuota",
    "rpm": "Throttling.RateQuota",
    "tps": "Throttling.AllocationQuota",
    "tpm": "Throttling.AllocationQuota",
}
"""The words and what each is refused with, in the order in which they are asked."""
_BURST = re.compile(r"(\d+)\s*/\s*(\S+)")


class RateLimitError(ValueError):
    """A limit that cannot be. The text names what was given and what is possible."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` of `word` for each model that `model` (a glob) names. `window_ms` is 0 for concurrency."""

    word: str
    most: int
    window_ms: int = 0
    model: str = "*"

    @property
    def value(self) -> int | str:
        """As it is written: `60`, or `20/10s` for a burst."""
        if self.word != "burst":
            return self.most
        seconds, rest = divmod(self.window_ms, 1000)
        return f"{self.most}/{self.window_ms}ms" if rest else f"{self.most}/{seconds}s"


@dataclass(frozen=True, slots=True)
class RateLimits:
    """All limits of a server or a session. Of several of one word that name a model, the last counts."""

    limits: tuple[Limit, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """The limits of texts such as `rpm=60,tpm=100000,burst=20/10s` or `qwen-max*:rpm=10`.

        Raises:
            RateLimitError: an unknown word, one that stands twice, or a value that cannot be.
        """
        return cls(tuple(limit for text in texts for limit in _parse(text)))

    @classmethod
    def from_document(cls, document: Any) -> Self:
        """The limits of a JSON document, `{"limits": [{"model": "qwen-max*", "rpm": 10}]}`.

        Raises:
            RateLimitError: the document breaks `schemas/control/rate-limits.json`.
        """
        from mockserver import schemas  # noqa: PLC0415 - the command line reads texts only

        if not schemas.accepts("control/rate-limits", document):
            breaches = schemas.explain("control/rate-limits", document)
            raise RateLimitError(" ".join(breach.message for breach in breaches))
        found: list[Limit] = []
        for row in document["limits"]:
            found += [_limit(word, row[word], row.get("model", "*")) for word in _ERRORS if word in row]
        return cls(tuple(found))

    def to_document(self) -> dict[str, Any]:
        """The document that `from_document` reads back to the same limits."""
        return {"limits": [{"model": limit.model, limit.word: limit.value} for limit in self.limits]}

    def of(self, model: str) -> tuple[Limit, ...]:
        """What holds for a model, in the order in which limits are asked."""
        last = {limit.word: limit for limit in self.limits if fnmatchcase(model, limit.model)}
        return tuple(last[word] for word in _ERRORS if word in last)

    def __bool__(self) -> bool:
        return bool(self.limits)


def _parse(text: str) -> Iterator[Limit]:
    model, colon, rest = text.rpartition(":")
    if colon and not model.strip():
        raise RateLimitError(f"{text!r} names no model before its colon; leave the colon out for all models.")
    seen: set[str] = set()
    for part in rest.split(","):
        word, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise RateLimitError(f"{part.strip()!r} in {text!r} is no limit; write rpm=60 or {_possible()}.")
        if word in seen:
            raise RateLimitError(f"{word} stands twice in {text!r}.")
        seen.add(word)
        yield _limit(word, value, model.strip() or "*")


def _limit(word: str, value: float | str, model: str) -> Limit:
    if word not in _ERRORS:
        raise RateLimitError(f"Unknown limit {word!r}; there are {_possible()}.")
    if word == "burst":
        return _burst(str(value), model)
    return Limit(word, _most(word, value), _WINDOWS.get(word, 0), model)


def _burst(value: str, model: str) -> Limit:
    found = _BURST.fullmatch(value)
    try:
        window_ms = round(units.seconds(found[2]) * 1000) if found else 0
    except ValueError:
        window_ms = 0
    if found is None or window_ms < 1:
        raise RateLimitError(f"burst is {value!r}; it must be requests/time such as 20/10s.")
    return Limit("burst", _most("burst", found[1]), window_ms, model)


def _most(word: str, value: float | str) -> int:
    text = f"{value:.0f}" if isinstance(value, float) else str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST)) and 1 <= int(text) <= MOST):
        raise RateLimitError(f"{word} is {text[:40]!r}; it must be a whole number from 1 to {MOST}.")
    return int(text)


def _possible() -> str:
    return "rpm, rps, tpm, tps, burst (20/10s) and concurrency"


class _Window:
    """How much came lately, as marks of first time, last time and amount."""

    __slots__ = ("_grain", "_keep", "_marks", "_total")

    def __init__(self, limit: Limit, *, keep_ms: int) -> None:
        self._keep = keep_ms
        self._grain = limit.window_ms / MARKS if limit.most > MARKS else 0
        self._marks: deque[list[int]] = deque()
        self._total = 0

    def total(self, now_ms: int) -> int:
        """All that came within the time that is kept."""
        marks = self._marks
        while marks and (marks[0][1] + self._keep <= now_ms or marks[0][1] - self._keep > now_ms):
            self._total -= marks.popleft()[2]
        return self._total

    def since(self, then_ms: int) -> int:
        """What came after `then_ms`."""
        return sum(amount for _, last, amount in self._marks if last > then_ms)

    def add(self, amount: int, now_ms: int) -> None:
        """So much came now. Requests may be told a little out of order."""
        self.total(now_ms)
        newest = self._marks[-1] if self._marks else None
        if newest is not None and now_ms - newest[0] <= self._grain:
            newest[1] = max(newest[1], now_ms)
            newest[2] += amount
        else:
            self._marks.append([now_ms, now_ms if newest is None else max(newest[1], now_ms), amount])
        self._total += amount


class _Gauge:
    """One limit and what has come."""

    __slots__ = ("_window", "counts_tokens", "limit")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.counts_tokens = limit.word in ("tpm", "tps")
        self._window = _Window(limit, keep_ms=limit.window_ms * (2 if limit.word == "burst" else 1))

    def is_full(self, now_ms: int) -> bool:
        """Whether nothing more may come now."""
        total = self._window.total(now_ms)
        if self.limit.word != "burst":
            return total >= self.limit.most
        recent = self._window.since(now_ms - self.limit.window_ms)
        return recent - (total - recent) >= self.limit.most

    def add(self, amount: int, now_ms: int) -> None:
        """So much has come."""
        self._window.add(amount, now_ms)


class Meter:
    """What one key has used. Without limits nothing is remembered."""

    def __init__(self, limits: RateLimits) -> None:
        self.limits = limits
        self._gauges: OrderedDict[str, Sequence[_Gauge]] = OrderedDict()
        self._running: Counter[str] = Counter()

    def admit(self, model: str, now_ms: int) -> None:
        """Count a request, or refuse it.

        Raises:
            ApiError: `Throttling.BurstRate`, `Throttling.RateQuota` or `Throttling.AllocationQuota`.
        """
        gauges = self._of(model)
        for gauge in gauges:
            if gauge.is_full(now_ms):
                raise ApiError(_ERRORS[gauge.limit.word])
        for gauge in gauges:
            if not gauge.counts_tokens:
                gauge.add(1, now_ms)

    def spend(self, model: str, tokens: int, now_ms: int) -> None:
        """Count the tokens, input and output, of an answer."""
        for gauge in self._of(model):
            if gauge.counts_tokens and tokens > 0:
                gauge.add(tokens, now_ms)

    def take(self, model: str) -> None:
        """A request begins to run; `release` must follow.

        Raises:
            ApiError: `Throttling.Concurrency`, and there is nothing to release.
        """
        for limit in self.limits.of(model) if self.limits else ():
            if limit.word == "concurrency" and self._running[model] >= limit.most:
                raise ApiError(_ERRORS[limit.word])
        self._running[model] += 1

    def release(self, model: str) -> None:
        """A request that was taken has ended."""
        self._running[model] -= 1
        if self._running[model] <= 0:
            del self._running[model]

    @contextmanager
    def running(self, model: str) -> Iterator[None]:
        """A request runs inside. Enter this before `admit`: who finds no place must not be counted.

        Raises:
            ApiError: `Throttling.Concurrency`.
        """
        self.take(model)
        try:
            yield
        finally:
            self.release(model)

    def _of(self, model: str) -> Sequence[_Gauge]:
        if not self.limits:
            return ()
        gauges = self._gauges.get(model)
        if gauges is None:
            found = (limit for limit in self.limits.of(model) if limit.window_ms)
            gauges = self._gauges[model] = tuple(map(_Gauge, found))
            if len(self._gauges) > MAX_MODELS:
                self._gauges.popitem(last=False)
        self._gauges.move_to_end(model)
        return gauges
