"""Writing down an exchange: violations when the request is known, the record before the answer's last byte leaves."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from mockserver.exchange import Exchange
from mockserver.journal import KEPT_BODY, Record, answers_in, fingerprint, masked_headers
from mockserver.stubs.view import text_of
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
"""Faults after which a stream lacks its finish."""


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
        self._kept = bytearray()
        if isinstance(answer.body, bytes):
            self._kept += answer.body[:KEPT_BODY]
        else:
            answer.body = self._keep(answer.body)

    def _keep(self, frames: Iterable[bytes]) -> Iterator[bytes]:
        """The frames, remembered while there is room."""
        try:
            for frame in frames:
                if len(self._kept) < KEPT_BODY:
                    self._kept += frame
                yield frame
        finally:
            close = getattr(frames, "close", None)
            if close is not None:
                close()

    def end(self, ending: Ending) -> None:
        """The answer has ended: the record is complete."""
        exchange = self._exchange
        exchange.owner.journal.add(_record(exchange, self._answer, bytes(self._kept), ending))


def _record(exchange: Exchange, answer: Answer, kept: bytes, ending: Ending) -> Record:
    error, plan = exchange.error, exchange.plan
    parsed = exchange.parsed if isinstance(exchange.parsed, dict) else {}
    model = parsed.get("model")
    truncated = _is_truncated(exchange, ending)
    retry_after = next((value for name, value in answer.headers if name == b"retry-after"), None)
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
        status=answer.status,
        error=None if error is None else error.entry.name,
        retryable=None if error is None else error.entry.retryable,
        retry_after=float(retry_after) if retry_after else None,
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


def _is_truncated(exchange: Exchange, ending: Ending) -> bool:
    if not exchange.stream or exchange.error is not None or exchange.plan is None:
        return False
    kinds = {fault.kind for fault in exchange.plan.outcome.faults} - set(ending.idle)
    return bool(kinds & TRUNCATING) and ending.how != "client-left"


def _messages(parsed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    given = parsed.get("input")
    inner = given if isinstance(given, dict) else {}
    messages = parsed.get("messages", inner.get("messages"))
    return [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []


def _question(parsed: Mapping[str, Any]) -> str | None:
    users = [message for message in _messages(parsed) if message.get("role") == "user"]
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
    first = choices[0] if isinstance(choices, list) and choices else {}
    content = (first.get(key) or {}).get("content")
    return content if isinstance(content, str) else ""
