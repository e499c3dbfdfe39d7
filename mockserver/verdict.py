"""The verdict: what a client's behaviour across exchanges says about it.

Pure functions over the records of one session. Most rules look at the attempts at one request: records of the same
method, path and body, each of which came after the one before it had ended and failed. Several users may share a
session, so the benefit of the doubt is theirs:

- A request that comes while the same one is still running is another call, and so is one that names itself a first
  attempt (`x-stainless-retry-count: 0`) or comes more than two minutes later.
- If several calls have failed and wait for their next attempt, a new one belongs to that which has waited longest.
- A client that left after it had got something of an answer has cancelled; that is no failure.

Rules on time are generous: they say nothing about a client that waits longer from attempt to attempt, or that is merely
quick. Codes are stable; `fixtures/violations.json` explains them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mockserver.journal import Record

TOGETHER_MS = 120_000
"""Attempts further apart than this are two calls."""
AT_ONCE_MS = 30_000
"""The same after an error that time does not heal is a retry only if it comes sooner than a person would ask again."""
CLOCK_SLACK_MS = 50
STORM_ATTEMPTS = 10
STORM_MS = 5_000
NO_BACKOFF_ATTEMPTS = 4
NO_BACKOFF_MS = 100
POLL_MS = 500
CHANGED_MS = 5_000
NEVER_READ_STREAMS = 3
PARSING = "InvalidParameter/file-parsing"
SHORTEST_TEXT = 8
"""Characters of a truncated text that are enough to recognise it in a later request."""
RETRY_COUNT = "x-stainless-retry-count"
"""The attempts that a call has made before this one, as the openai SDKs send it."""

CODES = (
    "retry.not-retryable",
    "retry.after-ignored",
    "retry.storm",
    "retry.no-backoff",
    "retry.body-changed",
    "stream.truncated-accepted",
    "stream.never-read-to-end",
    "files.polled-too-fast",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the client did wrong, and the numbers of the records that show it."""

    code: str
    records: tuple[int, ...]
    message: str


def verdict(records: Iterable[Record]) -> tuple[Finding, ...]:
    """All findings about the client of these records, oldest first."""
    kept = sorted(records, key=lambda record: (record.arrived_ms, record.number))
    found = [finding for rule in _OVER_ALL for finding in rule(kept)]
    for attempts in _attempts(kept):
        found += [finding for rule in _OVER_ATTEMPTS for finding in rule(attempts)]
    return tuple(sorted(found, key=lambda finding: (finding.records, finding.code)))


def _attempts(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """The attempts at each call that needed more than one."""
    calls: dict[str, list[list[Record]]] = defaultdict(list)
    for record in records:
        same = calls[record.fingerprint]
        waiting = [call for call in same if _follows(call[-1], record)]
        if waiting:
            min(waiting, key=lambda call: call[-1].ended_ms).append(record)
        else:
            same.append([record])
    return (call for same in calls.values() for call in same if len(call) > 1)


def _follows(before: Record, after: Record) -> bool:
    """Whether `after` may be the attempt that came after `before`."""
    return _has_failed(before) and not _is_first(after) and 0 <= _pause(before, after) <= TOGETHER_MS


def _has_failed(record: Record) -> bool:
    if record.ended == "client-left":
        return record.answer_size == 0
    return record.error is not None or record.status >= 400 or record.truncated or record.ended != "finished"  # noqa: PLR2004 - HTTP


def _is_first(record: Record) -> bool:
    return record.headers.get(RETRY_COUNT) == "0"


def _pause(before: Record, after: Record) -> int:
    """Milliseconds between the end of one attempt and the next; below 0 if they overlap."""
    return after.arrived_ms - (before.ended_ms or before.arrived_ms)


def _numbers(records: Iterable[Record]) -> tuple[int, ...]:
    return tuple(record.number for record in records)


# Rules over the attempts at one call


def _not_retryable(attempts: Sequence[Record]) -> Iterator[Finding]:
    for before, after in pairwise(attempts):
        if before.retryable is False and _pause(before, after) <= AT_ONCE_MS:
            message = f"{before.error} was answered; the same request cannot succeed, and it was sent again."
            yield Finding("retry.not-retryable", _numbers((before, after)), message)


def _retry_after_ignored(attempts: Sequence[Record]) -> Iterator[Finding]:
    for before, after in pairwise(attempts):
        pause = _pause(before, after)
        if before.retry_after is not None and pause < before.retry_after * 1000 - CLOCK_SLACK_MS:
            message = f"Retry-After was {before.retry_after:g} s; the next attempt came after {pause} ms."
            yield Finding("retry.after-ignored", _numbers((before, after)), message)


def _storm(attempts: Sequence[Record]) -> Iterator[Finding]:
    tried = [record for record in attempts if record.error != PARSING]
    for first, last in zip(tried, tried[STORM_ATTEMPTS:], strict=False):
        took = last.arrived_ms - first.arrived_ms
        if took <= STORM_MS and not _backs_off(tried):
            message = f"The same request was sent {len(tried)} times, {STORM_ATTEMPTS + 1} of them in {took} ms."
            yield Finding("retry.storm", _numbers(tried), message)
            return


def _backs_off(attempts: Sequence[Record]) -> bool:
    """Whether the pauses grow: the later half of them takes twice the earlier, and is more than a quick client's."""
    pauses = [_pause(before, after) for before, after in pairwise(attempts)]
    half = len(pauses) // 2
    earlier, later = sum(pauses[:half]), sum(pauses[-half:])
    return later >= 2 * earlier and max(pauses) >= NO_BACKOFF_MS


def _no_backoff(attempts: Sequence[Record]) -> Iterator[Finding]:
    pauses = [_pause(before, after) for before, after in pairwise(attempts) if before.error != PARSING]
    if len(pauses) + 1 >= NO_BACKOFF_ATTEMPTS and max(pauses) < NO_BACKOFF_MS:
        message = f"{len(pauses) + 1} attempts, the longest pause between two was {max(pauses)} ms."
        yield Finding("retry.no-backoff", _numbers(attempts), message)


def _polled(attempts: Sequence[Record]) -> Iterator[Finding]:
    for before, after in pairwise(attempts):
        if before.error == PARSING and _pause(before, after) < POLL_MS:
            message = f"The file was being parsed; it was asked for again after {_pause(before, after)} ms."
            yield Finding("files.polled-too-fast", _numbers((before, after)), message)


# Rules over all records


def _truncated_accepted(records: Sequence[Record]) -> Iterator[Finding]:
    """A truncated text that a later request repeats, unless a whole answer of the same text came in between."""
    whole: set[str] = set()
    truncated: dict[str, Record] = {}
    for record in records:
        for text in record.texts:
            source = truncated.pop(text.strip(), None)
            if source is not None and text.strip() not in whole:
                message = "The stream ended before its finish, and its text was used as if it were whole."
                yield Finding("stream.truncated-accepted", _numbers((source, record)), message)
        said = record.said.strip()
        if record.truncated and len(said) >= SHORTEST_TEXT:
            truncated.setdefault(said, record)
        elif said:
            whole.add(said)


def _never_read_to_end(records: Sequence[Record]) -> Iterator[Finding]:
    begun = (record for record in records if record.stream and record.answer_size)
    streams = [record for record in begun if record.error is None and not record.truncated]
    if len(streams) >= NEVER_READ_STREAMS and all(record.ended == "client-left" for record in streams):
        message = f"None of {len(streams)} streams was read to its end."
        yield Finding("stream.never-read-to-end", _numbers(streams), message)


def _body_changed(records: Sequence[Record]) -> Iterator[Finding]:
    """A request like one that failed, where the very same never came again.

    Another model, or a plain answer in place of a stream, is a fallback and no retry.
    """
    last = {record.fingerprint: at for at, record in enumerate(records)}
    first = {record.fingerprint: at for at, record in reversed(list(enumerate(records)))}
    for at, (before, after) in enumerate(pairwise(records)):
        is_news = last[before.fingerprint] == at and first[after.fingerprint] == at + 1
        if is_news and before.retryable is True and _alike(before, after) and 0 <= _pause(before, after) <= CHANGED_MS:
            message = "The request was sent again with another body."
            yield Finding("retry.body-changed", _numbers((before, after)), message)


def _alike(before: Record, after: Record) -> bool:
    if before.question is None or _is_first(after):
        return False
    return all(
        getattr(before, name) == getattr(after, name)
        for name in ("method", "path", "model", "stream", "question", "texts")
    )


_OVER_ATTEMPTS: tuple[Callable[[Sequence[Record]], Iterator[Finding]], ...] = (
    _not_retryable,
    _retry_after_ignored,
    _storm,
    _no_backoff,
    _polled,
)
_OVER_ALL: tuple[Callable[[Sequence[Record]], Iterator[Finding]], ...] = (
    _truncated_accepted,
    _never_read_to_end,
    _body_changed,
)
