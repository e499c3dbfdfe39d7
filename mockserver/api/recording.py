"""Writing down an exchange: violations when the request is known, the record before the answer's last byte leaves."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from mockserver.api.planning import faults_of
from mockserver.errors import ApiError
from mockserver.exchange import Exchange
from mockserver.journal import KEPT_BODY, Record, answers_in, fingerprint, masked_headers
from mockserver.stubs.view import messages_in, text_of
from mockserver.violations import Seen, Violation, violations
from mockserver.wire.answer import Answer
from mockserver.wire.progress import Ending

SCHEMAS: Mapping[tuple[str, str], str] = {
    ("native", "generation"): "native/generation-request",
    ("native", "embeddings"): "native/text-embedding-request",
    ("native", "tokenizer"): "native/tokenizer-request",
    ("compatible", "chat"): "compatible/chat-request",
    ("compatible", "embeddings"): "compatible/embeddings-request",
}
"""The schema of the request that an endpoint takes."""

TRUNCATING = frozenset({"reset", "close", "no-finish", "truncated-event", "stall", "reset-after-headers"})
"""Faults after which a stream may lack its finish."""
SILENT = frozenset({"no-finish", "truncated-event"})
"""Those of them after which HTTP ends as it should."""
_SECONDS = re.compile(rb"\d{1,9}(\.\d+)?")
_FINISH = re.compile(rb'"finish_reason": ?"(?!null")')


def violations_of(exchange: Exchange) -> tuple[Violation, ...]:
    """What the request breaks. Call it before a directive is taken out of the body."""
    return violations(
        Seen(
            dialect=exchange.dialect,
            endpoint=exchange.endpoint,
            headers=exchange.headers,
            query=exchange.query_string,
            raw=exchange.body,
            body=exchange.parsed,
            schema=SCHEMAS.get((exchange.dialect, exchange.endpoint)) if exchange.method == "POST" else None,
        )
    )


class Recorder:
    """One exchange on its way into the journal of its session."""

    def __init__(self, exchange: Exchange, answer: Answer) -> None:
        self._exchange = exchange
        self._answer = answer
        self._made: int | None = None
        self._kept = bytearray()
        if isinstance(answer.body, bytes):
            self._kept += answer.body[:KEPT_BODY]
        else:
            answer.body = self._keep(answer.body)

    def _keep(self, frames: Iterable[bytes]) -> Iterator[bytes]:
        """The frames, remembered while there is room."""
        made = 0
        try:
            for frame in frames:
                if len(self._kept) < KEPT_BODY:
                    self._kept += frame
                made += 1
                yield frame
            self._made = made
        finally:
            close = getattr(frames, "close", None)
            if close is not None:
                close()

    def end(self, ending: Ending) -> None:
        """The answer has ended: the record is complete."""
        kept, all_of_it = bytes(self._kept), self._made is not None and ending.events >= self._made
        self._exchange.owner.journal.add(_record(self._exchange, self._answer, kept, ending, all_of_it=all_of_it))


def _record(exchange: Exchange, answer: Answer, kept: bytes, ending: Ending, *, all_of_it: bool) -> Record:
    """The record of an answer as its handler made it; only a fault's status takes the place of its own."""
    error, plan = _error(exchange, ending), exchange.plan
    parsed = exchange.parsed if isinstance(exchange.parsed, dict) else {}
    model = parsed.get("model")
    truncated = error is None and not all_of_it and _is_truncated(exchange, kept, ending)
    return Record(
        arrived_ms=exchange.arrived_ms,
        method=exchange.method,
        path=exchange.path,
        dialect=exchange.dialect,
        endpoint=exchange.endpoint,
        request_id=exchange.request_id,
        headers=masked_headers(exchange.headers),
        body=exchange.body[:KEPT_BODY],
        body_size=len(exchange.body),
        fingerprint=fingerprint(exchange.method, exchange.target, exchange.body),
        model=model if isinstance(model, str) else None,
        stream=exchange.stream,
        question=_question(parsed),
        texts=answers_in(parsed),
        stub=None if plan is None or plan.stub is None else plan.stub.name or plan.stub.id,
        status=_status(exchange, answer),
        error=None if error is None else error.entry.name,
        retryable=None if error is None else error.entry.retryable,
        retry_after=_retry_after(answer),
        answer_headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers),
        answer=kept,
        answer_size=ending.bytes,
        said=_said(kept, ending.events) if truncated else "",
        events=tuple(int(offset) for offset in ending.offsets_ms),
        ended=ending.how,
        truncated=truncated,
        ended_ms=exchange.arrived_ms + int(ending.offsets_ms[-1]) if ending.offsets_ms else exchange.arrived_ms,
        violations=exchange.violations,
    )


def _error(exchange: Exchange, ending: Ending) -> ApiError | None:
    """What was refused: the request, or its stream after some events."""
    if exchange.error is not None or exchange.plan is None or ending.how == "client-left":
        return exchange.error
    frames = [fault for fault in faults_of(exchange.plan.outcome) if fault.kind == "error-frame"]
    if not frames or "error-frame" in ending.idle:
        return None
    return ApiError(str(frames[0].params.get("name", "InternalError")))


def _retry_after(answer: Answer) -> float | None:
    """The seconds of the header; a date, which a test may answer too, is not read."""
    value = next((value for name, value in answer.headers if name == b"retry-after"), b"")
    return float(value) if _SECONDS.fullmatch(value) else None


def _status(exchange: Exchange, answer: Answer) -> int:
    faults = exchange.plan.outcome.faults if exchange.plan is not None else ()
    given = [fault.params.get("status", 500) for fault in faults if fault.kind == "http-status"]
    return int(given[-1]) if given else answer.status


def _is_truncated(exchange: Exchange, kept: bytes, ending: Ending) -> bool:
    """Whether a fault ended the stream before its finish."""
    if not exchange.stream or exchange.plan is None or ending.how == "client-left":
        return False
    kinds = {fault.kind for fault in exchange.plan.outcome.faults} - set(ending.idle)
    ends = bool(kinds & TRUNCATING) if ending.how != "finished" else bool(kinds & SILENT)
    sent = b"\n\n".join(kept.split(b"\n\n")[: ending.events])
    return ends and _FINISH.search(sent) is None


def _question(parsed: Mapping[str, Any]) -> str | None:
    users = [message for message in messages_in(parsed) if message.get("role") == "user"]
    return text_of(users[-1]) if users else None


def _said(kept: bytes, events: int) -> str:
    """The text of the first `events` frames of a stream, put together as a client does."""
    text = ""
    for frame in kept.split(b"\n\n")[:events]:
        data = frame.rpartition(b"data:")[2].strip()
        try:
            choice = orjson.loads(data)
        except orjson.JSONDecodeError:
            continue
        new, full = _delta(choice)
        text = new if full and new.startswith(text) else text + new
    return text


def _delta(event: Any) -> tuple[str, bool]:
    """The text of one event, and whether it may repeat what came before (native full mode)."""
    output = event.get("output") if isinstance(event, dict) else None
    if isinstance(output, dict):
        choices = output.get("choices") or [{"message": {"content": output.get("text")}}]
        return _content(choices, "message"), True
    return _content(event.get("choices") if isinstance(event, dict) else None, "delta"), False


def _content(choices: Any, key: str) -> str:
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get(key) if isinstance(first, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else ""
