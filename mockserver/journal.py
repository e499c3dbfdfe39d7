"""What the client did: one record for every exchange, written before its last byte leaves.

A journal belongs to a session and is bounded by records and by bytes; the oldest go first. `add` cuts what is long in
a record, so that the bounds hold whatever a client sends. Headers are masked when they are recorded, and whatever else
looks like a key when a record is shown, so a journal can be shown to anybody.
"""

import re
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
KEPT_TEXT = 4 * 1024
"""Characters of a text that are kept."""
KEPT_TEXTS = 32
"""Earlier answers in a request, or headers of one side, that are kept."""
KEPT_EVENTS = 2_000

SCHEMES = frozenset({"bearer", "basic", "token"})
SECRET_WORDS = ("authorization", "cookie", "api-key", "apikey", "token", "secret", "password")
"""A header with one of these in its name is masked."""
_KEY = re.compile(r"\bsk-[A-Za-z0-9_-]{16,}")
"""What looks like a real key; those of tests are shorter."""


@dataclass(slots=True)
class Record:
    """One exchange. Times are milliseconds since the epoch, `events` milliseconds since the answer began.

    `number` is given by the journal. `texts` are the answers of the assistant that the request repeats
    (`answers_in`), `said` is the text of this answer. `ended` is how it ended: `finished`, `client-left`, or what a
    fault did (`reset`, `closed`, `stalled`, ...). `error` names the catalogue entry that was answered; `truncated` says
    that a stream ended before its finish.
    """

    arrived_ms: int
    method: str
    path: str
    dialect: str
    endpoint: str
    request_id: str
    number: int = 0
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
    events: tuple[float, ...] = ()
    ended: str = "open"
    truncated: bool = False
    ended_ms: int = 0
    violations: tuple[Violation, ...] = ()

    @property
    def size(self) -> int:
        """Roughly what the record occupies, in bytes."""
        texts = sum(map(len, (*self.texts, self.said, self.path, self.question or "")))
        headers = sum(len(name) + len(value) for name, value in (*self.headers.items(), *self.answer_headers))
        violations = sum(len(violation.path) + len(violation.message) for violation in self.violations)
        return 2_000 + len(self.body) + len(self.answer) + 4 * (texts + headers + violations) + 32 * len(self.events)


class Journal:
    """The records of one session, in the order in which they ended. Numbers count from 1 and are never used twice."""

    def __init__(self, *, max_records: int = MAX_RECORDS, max_bytes: int = MAX_BYTES) -> None:
        self._records: deque[tuple[Record, int]] = deque()
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._bytes = 0
        self._last = 0

    def __iter__(self) -> Iterator[Record]:
        return iter([record for record, _ in self._records])

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Record:
        return self._records[index][0]

    @property
    def bytes(self) -> int:
        """Roughly what all records occupy."""
        return self._bytes

    @property
    def forgotten(self) -> int:
        """How many records were dropped to stay within the bounds."""
        return self._last - len(self._records)

    def add(self, record: Record) -> None:
        """Number and keep a record, its long parts cut, and forget the oldest while there are too many.

        Numbers follow the end of exchanges, not their arrival: whoever reads page after page misses none.
        """
        self._last += 1
        record.number = self._last
        cut(record)
        size = record.size
        self._records.append((record, size))
        self._bytes += size
        while len(self._records) > self._max_records or (self._bytes > self._max_bytes and len(self._records) > 1):
            self._bytes -= self._records.popleft()[1]

    def clear(self) -> None:
        """Forget everything, and count from 1 again."""
        self._records.clear()
        self._bytes = self._last = 0

    def page(
        self, *, after: int = 0, limit: int = 100, keep: Callable[[Record], bool] = lambda _record: True
    ) -> tuple[list[Record], bool]:
        """Up to `limit` records with a number above `after` that `keep` accepts, and whether there are more."""
        found = [record for record, _ in self._records if record.number > after and keep(record)]
        return found[:limit], len(found) > limit


def cut(record: Record) -> None:
    """Cut what is long in a record to what is kept of it."""
    record.path = record.path[:KEPT_TEXT]
    record.headers = dict(_short(tuple(record.headers.items())))
    record.answer_headers = _short(record.answer_headers)
    record.body = record.body[:KEPT_BODY]
    record.answer = record.answer[:KEPT_BODY]
    record.question = record.question and record.question[:KEPT_TEXT]
    record.texts = tuple(text[:KEPT_TEXT] for text in record.texts[-KEPT_TEXTS:])
    record.said = record.said[:KEPT_TEXT]
    record.events = record.events[:KEPT_EVENTS]


def _short(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name[:KEPT_TEXT], value[:KEPT_TEXT]) for name, value in headers[:KEPT_TEXTS])


def masked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with their secrets masked."""
    return {name: _masked(value) if _is_secret(name) else value for name, value in headers.items()}


def _is_secret(name: str) -> bool:
    lower = name.lower()
    return any(word in lower for word in SECRET_WORDS)


def _masked(value: str) -> str:
    scheme, blank, secret = value.strip().partition(" ")
    return f"{scheme} {mask(secret.strip())}" if blank and scheme.lower() in SCHEMES else mask(value)


def fingerprint(method: str, target: str, body: bytes) -> str:
    """The same for two attempts at the same request. `target` is the path with its query."""
    return blake2b(b"\0".join((method.encode(), target.encode(), body)), digest_size=12).hexdigest()


def answers_in(body: Any) -> tuple[str, ...]:
    """The texts of the assistant that a request repeats as whole answers, in either dialect; of any body.

    A `partial` message is none: it asks for the rest of an answer that the client knows to be cut.
    """
    root = body if isinstance(body, Mapping) else {}
    inner = root.get("input")
    found = root.get("messages", inner.get("messages") if isinstance(inner, Mapping) else None)
    messages = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
    said = (each.get("content") for each in messages if each.get("role") == "assistant" and not each.get("partial"))
    return tuple(text for text in said if isinstance(text, str))


def to_document(record: Record) -> dict[str, Any]:
    """A record as JSON. Bodies are text, with U+FFFD where they are none; what looks like a key is masked."""
    return {
        "number": record.number,
        "request_id": record.request_id,
        "arrived_ms": record.arrived_ms,
        "dialect": record.dialect,
        "endpoint": record.endpoint,
        "request": {
            "method": record.method,
            "path": masked(record.path),
            "headers": {name: masked(value) for name, value in masked_headers(record.headers).items()},
            "body": masked(record.body),
            "bytes": record.body_size,
            "model": record.model and masked(record.model),
            "stream": record.stream,
        },
        "stub": record.stub,
        "answer": {
            "status": record.status,
            "error": record.error,
            "headers": [[name, masked(value)] for name, value in record.answer_headers],
            "body": masked(record.answer),
            "bytes": record.answer_size,
            "events_ms": list(record.events),
        },
        "ended": record.ended,
        "truncated": record.truncated,
        "ended_ms": record.ended_ms,
        "violations": [
            {"code": violation.code, "path": masked(violation.path), "message": masked(violation.message)}
            for violation in record.violations
        ],
    }


def masked(text: str | bytes) -> str:
    """A text without what looks like a key; U+FFFD stands where bytes are none."""
    readable = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return _KEY.sub(lambda found: mask(found[0]), readable)
