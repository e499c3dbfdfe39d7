"""What a test wants to happen to a request: found before the request is judged, from a lenient view of it.

Five ways lead here and meet in one `Stub`: Python, the control API and stub files fill the session's book; the header
`X-Mock` and a directive in the last user message speak for one request. A directive is taken out of the message before
anything is counted or matched. A request that nobody speaks for, in a session without stubs, pays for two look-ups.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from mockserver.api.reply import json_answer, stream_answer
from mockserver.dialects import compatible, native
from mockserver.errors import ApiError, catalogue
from mockserver.exchange import Exchange, Services
from mockserver.gate import mask
from mockserver.stubs.stub import ErrorSpec, Outcome, ReplySpec, Stub, StubError
from mockserver.stubs.view import View, view_of
from mockserver.wire.answer import Answer
from mockserver.wire.fault import Fault

HEADER = "x-mock"
DIRECTIVE = b"[[mock"
STREAMING = frozenset({"generation", "chat"})
"""The endpoints whose answers can be streams."""
T = TypeVar("T")
_FRAME = re.compile(rb".*?(?:\r\n\r\n|\n\n|\r\r)|.+", re.DOTALL)


async def prepare(exchange: Exchange, services: Services) -> Answer | None:
    """Finds the plan for a request. An answer if the plan has one of its own, else None: the handler answers.

    Raises:
        ApiError: the error that was planned; `Mock.BadWord` for a word nobody knows; `Mock.NoStub` in strict mode.
    """
    spoken = _spoken(exchange, services)
    book = exchange.owner.stubs
    if spoken is None and not len(book) and not services.settings.strict:
        return None
    view = _view(exchange)
    plan = book.plan(view, spoken, now=exchange.arrived_ms / 1000)
    if plan is None:
        if services.settings.strict:
            raise ApiError("Mock.NoStub", report=book.near_misses(view))
        return None
    exchange.plan = plan
    _check_frames(plan.outcome.faults)
    error = plan.outcome.error
    if error is not None and (error.after is None or not _streams(exchange)):
        raise ApiError(error.name, **error.params)
    if plan.outcome.reply is not None:
        exchange.reply = await _resolved(plan.outcome.reply, view)
        if exchange.reply.is_raw:
            return _raw_answer(exchange.reply, exchange, services)
    return None


def _streams(exchange: Exchange) -> bool:
    """Whether the answer will be a stream: a native client may ask for one anywhere, but only text comes as one."""
    return exchange.stream and exchange.endpoint in STREAMING


def _check_frames(faults: Iterable[Fault]) -> None:
    for fault in faults:
        name = fault.params.get("name", "InternalError")
        if fault.kind == "error-frame" and catalogue().get(str(name)) is None:
            raise ApiError("Mock.BadWord", details=f"error-frame: the catalogue has no error named {name!r}")


def _view(exchange: Exchange) -> View:
    return view_of(
        exchange.parsed,
        endpoint=exchange.endpoint,
        dialect=exchange.dialect,
        stream=exchange.stream,
        method=exchange.method,
        path=exchange.path,
        headers=exchange.headers,
        key=mask(exchange.owner.name),
    )


# The words of a request


def _spoken(exchange: Exchange, services: Services) -> Stub | None:
    header = exchange.header(HEADER)
    directive = None
    if services.settings.directives and DIRECTIVE in exchange.body and isinstance(exchange.parsed, dict):
        directive = _told("A directive", lambda: _take_directive(exchange.parsed))
    if not header and directive is None:
        return None
    from mockserver.stubs import words  # noqa: PLC0415 - only requests that speak pay for the grammar

    if header:
        return _told("X-Mock", lambda: words.stub_of(header, "header"))
    return _told("A directive", lambda: words.stub_of(directive or "", "directive"))


def _told(where: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except StubError as error:
        raise ApiError("Mock.BadWord", details=f"{where}: {error}") from None


def _take_directive(body: dict[str, Any]) -> str | None:
    """The words of the directives in the last user message, which are taken out of it."""
    from mockserver.stubs.words import find_directives  # noqa: PLC0415

    words: list[str] = []
    for holder, key in _last_user_texts(body):
        stripped, said = find_directives(holder[key])
        if said is not None:
            holder[key] = stripped or (" " if key == "prompt" else "")  # an empty prompt is refused
            words.append(said)
    return "; ".join(words) if words else None


def _last_user_texts(body: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """Every text of the last user message, as the object that holds it and its key there."""
    given = body.get("input")
    inner = given if isinstance(given, dict) else {}
    messages = body.get("messages", inner.get("messages"))
    users = [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
    last = next((each for each in reversed(users) if each.get("role") == "user"), None)
    if last is None:
        yield from [(inner, "prompt")] if isinstance(inner.get("prompt"), str) else []
    elif isinstance(last.get("content"), str):
        yield last, "content"
    elif isinstance(last.get("content"), list):
        parts = (part for part in last["content"] if isinstance(part, dict))
        yield from ((part, "text") for part in parts if isinstance(part.get("text"), str))


# Replies


async def _resolved(reply: ReplySpec, view: View) -> ReplySpec:
    """The reply with its function called and its templates filled."""
    if reply.function is not None:
        made = await asyncio.to_thread(reply.function, view)
        made = ReplySpec(text=made) if isinstance(made, str) else made
        reply = replace(made, headers={**made.headers, **reply.headers})
    if reply.template:
        from mockserver.stubs.template import fill  # noqa: PLC0415 - jinja2 is for those who use templates

        reply = _told("A template", lambda: fill(reply, view))
    return reply


def _raw_answer(reply: ReplySpec, exchange: Exchange, services: Services) -> Answer:
    if reply.sse is not None:
        return stream_answer(exchange, services, _FRAME.findall(reply.sse))
    body = (
        reply.body if isinstance(reply.body, str | bytes) else b"" if reply.body is None else orjson.dumps(reply.body)
    )
    answer = json_answer(exchange, services, body.encode() if isinstance(body, str) else body)
    answer.status = reply.status or 200
    return answer


def add_headers(answer: Answer, reply: ReplySpec) -> None:
    """The headers of a reply, each in the place of the answer's own of that name."""
    given = {name.lower().encode(): text.encode("latin-1") for name, text in reply.headers.items()}
    answer.headers = [(name, value) for name, value in answer.headers if name not in given] + [*given.items()]


# What happens on the wire


def faults_of(outcome: Outcome) -> tuple[Fault, ...]:
    """The faults of an outcome; an error after some events is one of them."""
    error = outcome.error
    if error is None or error.after is None:
        return outcome.faults
    params: dict[str, str | int | bool] = {"name": error.name, "after": error.after, "leak_native": error.leak_native}
    return (*outcome.faults, Fault("error-frame", params))


def error_frame(exchange: Exchange, spec: ErrorSpec | None) -> Callable[[Fault, int], bytes]:
    """Writes the error that a fault names as event `number` of this exchange's stream."""

    def frame(fault: Fault, number: int) -> bytes:
        name = str(fault.params["name"])
        params: Mapping[str, Any] = spec.params if spec is not None and spec.name == name else {}
        error, meta = ApiError(name, **params), exchange.meta()
        if exchange.dialect == "native" or fault.params.get("leak_native"):
            return native.write_error_event(error, meta, number, status=spec.status if spec else None)
        return compatible.write_error_event(error, meta)

    return frame
