"""From what a handler knows to an `Answer` with the right headers."""

from collections.abc import Iterable
from typing import Any

import orjson

from mockserver.dialects import compatible, native
from mockserver.dialects.meta import Refusal
from mockserver.errors import ApiError
from mockserver.exchange import Exchange, Services
from mockserver.wire import headers
from mockserver.wire.answer import Answer, Headers

UNAUTHORIZED = 401


def json_answer(exchange: Exchange, services: Services, document: Any) -> Answer:
    """A JSON body of status 200. `document` is encoded unless it is bytes already."""
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return Answer(200, _json_headers(exchange, exchange.head(services.clock)), body, gzip=exchange.gzip)


def deleted_answer(exchange: Exchange, services: Services, document: Any) -> Answer:
    """The answer to the deletion of a file: short, with its length, never compressed."""
    body = orjson.dumps(document)
    return Answer(200, headers.files_deleted(exchange.head(services.clock), len(body)), body)


def content_answer(exchange: Exchange, services: Services, content: bytes) -> Answer:
    """The bytes of a file."""
    return Answer(200, headers.file_content(exchange.head(services.clock)), content, gzip=exchange.gzip)


def stream_answer(exchange: Exchange, services: Services, frames: Iterable[bytes]) -> Answer:
    """A stream of frames."""
    head = exchange.head(services.clock)
    lines = headers.native_stream(head) if exchange.dialect == "native" else headers.compatible_stream(head)
    return Answer(200, lines, frames, gzip=exchange.gzip and exchange.profile.gzip_streams)


def refuse(exchange: Exchange, services: Services, error: ApiError) -> Answer:
    """A refusal as the dialect of the exchange says it."""
    write_error = native.write_error if exchange.dialect == "native" else compatible.write_error
    refusal = write_error(error, exchange.meta(), stream=exchange.stream)
    framed = refusal.content_type.startswith(b"text/event-stream")
    gzip = bool(refusal.body) and exchange.gzip and (exchange.profile.gzip_streams or not framed)
    lines = _refusal_headers(exchange, exchange.head(services.clock), refusal, framed=framed)
    if exchange.hang_up:
        lines.append((b"connection", b"close"))
    planned = exchange.plan.outcome.error if exchange.plan is not None else None
    if planned is not None and planned.retry_after is not None:
        lines.append((b"retry-after", f"{planned.retry_after:.3f}".rstrip("0").rstrip(".").encode()))
    status = planned.status if planned is not None and planned.status is not None else refusal.status
    return Answer(status, lines, refusal.body, gzip=gzip)


def _refusal_headers(exchange: Exchange, head: headers.Head, refusal: Refusal, *, framed: bool) -> Headers:
    if not refusal.body:
        return headers.empty(head)
    if framed and exchange.dialect == "native":
        return headers.native_stream(head, finished=True)
    if framed:
        return headers.compatible_stream(head)
    return headers.edge_refusal(head) if refusal.status == UNAUTHORIZED else _json_headers(exchange, head)


def _json_headers(exchange: Exchange, head: headers.Head) -> Headers:
    if exchange.service == "files":
        return headers.files_json(head)
    return headers.native_json(head) if exchange.dialect == "native" else headers.compatible_json(head)
