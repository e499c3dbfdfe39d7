"""What the client did: one record for every exchange, written before its last byte leaves.

A journal belongs to a session and is bounded by records and by bytes; the oldest go first. Headers are masked and
bodies cut when they are recorded, so a journal can be shown to anybody.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from mockserver.gate import mask
from mockserver.violations import Violation

MAX_RECORDS = 1_000
MAX_BYTES = 8 * 1024 * 1024
KEPT_BODY = 16 * 1024
"""Bytes of a request or an answer that are kept."""

SECRET_HEADERS = frozenset({"authorization", "x-api-key", "api-key", "cookie", "proxy-authorization"})


@dataclass(slots=True)
class Record:
    """One exchange. Times are milliseconds since the epoch, `events` milliseconds since the answer began.

    `ended` is how it ended: `finished`, `client-left`, or what a fault did (`reset`, `closed`, `stalled`, ...).
    `error` names the catalogue entry that was answered; `truncated` says that a stream ended before its finish.
    """

    number: int
    arrived_ms: int
    method: str
    path: str
    dialect: str
    endpoint: str
    request_id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    body_size: int = 0
    fingerprint: str = ""
    model: str | None = None
    stream: bool = False
    question: str | None = None
    texts: tuple[str, ...] = ()
    stub: str | None = None
    status: int = 0
    error: str | None = None
    retryable: bool | None = None
    retry_after: float | None = None
    answer_headers: tuple[tuple[str, str], ...] = ()
    answer: bytes = b""
    answer_size: int = 0
    said: str = ""
    events: tuple[int, ...] = ()
    ended: str = "open"
    truncated: bool = False
    ended_ms: int = 0
    violations: tuple[Violation, ...] = ()

    @property
    def size(self) -> int:
        """Roughly what the record occupies."""
        return 1_000 + len(self.body) + len(self.answer) + 8 * len(self.events)


class Journal:
    """The records of one session, oldest first. Numbers count from 1 and are never used twice."""

    def __init__(self, *, max_records: int = MAX_RECORDS, max_bytes: int = MAX_BYTES) -> None:
        self._records: deque[Record] = deque()
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._bytes = 0
        self._next = 1

    def __iter__(self) -> Iterator[Record]:
        return iter(tuple(self._records))

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Record:
        return self._records[index]

    @property
    def forgotten(self) -> int:
        """How many records were dropped to stay within the bounds."""
        return self._next - 1 - len(self._records)

    def number(self) -> int:
        """The number of the next record."""
        number = self._next
        self._next += 1
        return number

    def add(self, record: Record) -> None:
        """Keep a record, and forget the oldest while there are too many."""
        self._records.append(record)
        self._bytes += record.size
        while len(self._records) > self._max_records or (self._bytes > self._max_bytes and len(self._records) > 1):
            self._bytes -= self._records.popleft().size

    def clear(self) -> None:
        """Forget everything, and count from 1 again."""
        self._records.clear()
        self._bytes = 0
        self._next = 1

    def page(
        self, *, after: int = 0, limit: int = 100, keep: Callable[[Record], bool] = lambda _record: True
    ) -> tuple[list[Record], bool]:
        """Up to `limit` records with a number above `after` that `keep` accepts, and whether there are more."""
        found = [record for record in self._records if record.number > after and keep(record)]
        return found[:limit], len(found) > limit


def masked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with their secrets masked."""
    return {name: _masked(value) if name in SECRET_HEADERS else value for name, value in headers.items()}


def _masked(value: str) -> str:
    scheme, blank, secret = value.partition(" ")
    return f"{scheme} {mask(secret)}" if blank else mask(value)


def fingerprint(method: str, path: str, body: bytes) -> str:
    """The same for two attempts at the same request."""
    return blake2b(b"\0".join((method.encode(), path.encode(), body)), digest_size=12).hexdigest()


def to_document(record: Record) -> dict[str, Any]:
    """A record as JSON; bodies as text, with U+FFFD where they are none."""
    return {
        "number": record.number,
        "request_id": record.request_id,
        "arrived_ms": record.arrived_ms,
        "dialect": record.dialect,
        "endpoint": record.endpoint,
        "request": {
            "method": record.method,
            "path": record.path,
            "headers": dict(record.headers),
            "body": record.body.decode("utf-8", "replace"),
            "bytes": record.body_size,
            "model": record.model,
            "stream": record.stream,
        },
        "stub": record.stub,
        "answer": {
            "status": record.status,
            "error": record.error,
            "headers": [list(header) for header in record.answer_headers],
            "body": record.answer.decode("utf-8", "replace"),
            "bytes": record.answer_size,
            "events_ms": list(record.events),
        },
        "ended": record.ended,
        "truncated": record.truncated,
        "ended_ms": record.ended_ms,
        "violations": [
            {"code": violation.code, "path": violation.path, "message": violation.message}
            for violation in record.violations
        ],
    }
