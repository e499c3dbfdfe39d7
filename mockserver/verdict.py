"""The verdict: what a client's behaviour across exchanges says about it.

Pure functions over the records of one session. A rule looks at the attempts at one request (the same method, path and
body, one after the other) or at all records, and returns findings. Codes are stable;
`fixtures/violations.json` explains them. Rules on time are generous: they say nothing about a client that is merely
quick.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mockserver.journal import Record

TOGETHER_MS = 120_000
"""Attempts further apart than this are two calls of the user, not a retry."""
CLOCK_SLACK_MS = 50
STORM_ATTEMPTS = 10
NO_BACKOFF_ATTEMPTS = 4
NO_BACKOFF_MS = 100
POLL_MS = 500
CHANGED_RETRY_MS = 5_000
PARSING = "InvalidParameter/file-parsing"
SHORTEST_TEXT = 8
"""Characters of a truncated text that are enough to recognise it in a later request."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the client did wrong, and the numbers of the records that show it."""

    code: str
    records: tuple[int, ...]
    message: str


def verdict(records: Iterable[Record]) -> tuple[Finding, ...]:
    """All findings about the client of these records, oldest first."""
    kept = tuple(records)
    found = [finding for rule in _OVER_ALL for finding in rule(kept)]
    for attempts in _attempts(kept):
        found += [finding for rule in _OVER_ATTEMPTS for finding in rule(attempts)]
    return tuple(sorted(found, key=lambda finding: (finding.records, finding.code)))


def _attempts(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Records of the same request that follow each other closely, where there are at least two."""
    by_request: dict[str, list[list[Record]]] = defaultdict(list)
    for record in records:
        runs = by_request[record.fingerprint]
        if runs and record.arrived_ms - runs[-1][-1].arrived_ms <= TOGETHER_MS and _failed(runs[-1][-1]):
            runs[-1].append(record)
        else:
            runs.append([record])
    return (run for runs in by_request.values() for run in runs if len(run) > 1)


def _failed(record: Record) -> bool:
    return record.error is not None or record.status >= 400 or record.truncated or record.ended != "finished"  # noqa: PLR2004 - HTTP


def _gap(before: Record, after: Record) -> int:
    return after.arrived_ms - (before.ended_ms or before.arrived_ms)


# Rules over the attempts at one request


def _not_retryable(attempts: Sequence[Record]) -> Iterator[Finding]:
    for before, after in pairwise(attempts):
        if before.retryable is False:
            message = f"{before.error} was answered; the same request cannot succeed, and it was sent again."
            yield Finding("retry.not-retryable", (before.number, after.number), message)


def _retry_after_ignored(attempts: Sequence[Record]) -> Iterator[Finding]:
    for before, after in pairwise(attempts):
        if before.retry_after is not None and _gap(before, after) < before.retry_after * 1000 - CLOCK_SLACK_MS:
            message = f"Retry-After was {before.retry_after:g} s; the next attempt came after {_gap(before, after)} ms."
            yield Finding("retry.after-ignored", (before.number, after.number), message)


def _storm(attempts: Sequence[Record]) -> Iterator[Finding]:
    if len(attempts) > STORM_ATTEMPTS:
        message = f"The same request was sent {len(attempts)} times."
        yield Finding("retry.storm", tuple(record.number for record in attempts), message)


def _no_backoff(attempts: Sequence[Record]) -> Iterator[Finding]:
    gaps = [_gap(before, after) for before, after in pairwise(attempts) if before.error != PARSING]
    if len(gaps) + 1 >= NO_BACKOFF_ATTEMPTS and max(gaps) < NO_BACKOFF_MS:
        message = f"{len(gaps) + 1} attempts, the longest pause between two was {max(gaps)} ms."
        yield Finding("retry.no-backoff", tuple(record.number for record in attempts), message)


def _polled(attempts: Sequence[Record]) -> Iterator[Finding]:
    for before, after in pairwise(attempts):
        if before.error == PARSING and _gap(before, after) < POLL_MS:
            message = f"The file was being parsed; it was asked for again after {_gap(before, after)} ms."
            yield Finding("files.polled-too-fast", (before.number, after.number), message)


# Rules over all records


def _truncated_accepted(records: Sequence[Record]) -> Iterator[Finding]:
    for index, record in enumerate(records):
        said = record.said.strip()
        if record.truncated and len(said) >= SHORTEST_TEXT:
            for later in records[index + 1 :]:
                if any(text.strip() == said for text in later.texts):
                    message = "The stream ended before its finish, and its text was used as if it were whole."
                    yield Finding("stream.truncated-accepted", (record.number, later.number), message)
                    break


def _never_read_to_end(records: Sequence[Record]) -> Iterator[Finding]:
    streams = [record for record in records if record.stream and record.error is None and not record.truncated]
    left = [record for record in streams if record.ended == "client-left"]
    if left and len(left) == len(streams):
        message = f"None of {len(streams)} streams was read to its end."
        yield Finding("stream.never-read-to-end", tuple(record.number for record in left), message)


def _body_changed(records: Sequence[Record]) -> Iterator[Finding]:
    for before, after in pairwise(records):
        same_question = before.question is not None and before.question == after.question
        close = after.arrived_ms - (before.ended_ms or before.arrived_ms) <= CHANGED_RETRY_MS
        retried = before.path == after.path and before.retryable is True and same_question and close
        if retried and before.fingerprint != after.fingerprint:
            message = "The request was sent again with another body."
            yield Finding("retry.body-changed", (before.number, after.number), message)


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
