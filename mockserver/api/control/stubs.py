"""Stubs of a session over HTTP: the same documents as in stub files. A fault is a stub for every request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from mockserver.api.control.frame import ProblemError, found, json_object, needed_key, only, opened
from mockserver.exchange import Exchange, Services
from mockserver.stubs.book import MOST_STUBS, StubBook
from mockserver.stubs.document import from_document, from_file, to_document
from mockserver.stubs.stub import Outcome, Stub, StubError

ERROR_WORDS = ("params", "after", "status", "retry_after", "leak_native")
STUB_EXAMPLE = '{"match": {"model": "qwen-*"}, "reply": "Hello"}'
FAULT_EXAMPLE = '{"kind": "reset", "after": 2, "times": 1} or {"error": "Throttling.RateQuota"}'


async def list_stubs(exchange: Exchange, services: Services) -> Any:
    """The stubs of a session in the order in which they are asked, and the states of its scenarios."""
    book = found(needed_key(exchange, services), services).stubs
    return {"stubs": [row(stub, book) for stub in book], "scenarios": book.states}


async def add_stubs(exchange: Exchange, services: Services) -> Any:
    """Add one stub, or those of `{"stubs": [...]}`: all of them or none."""
    key = needed_key(exchange, services)
    body = await json_object(exchange, services, STUB_EXAMPLE)
    stubs = _read(lambda: from_file(body, source="control") if "stubs" in body else (from_document(body),))
    return _added(stubs, opened(key, exchange, services).stubs)


async def clear_stubs(exchange: Exchange, services: Services) -> Any:
    """Take out all stubs but those of files, and put every scenario back to its start."""
    session = services.sessions.find(needed_key(exchange, services))
    before = 0
    if session is not None:
        before = sum(stub.source != "file" for stub in session.stubs)
        session.stubs.clear()
        session.stubs.replace("file", services.standing)
    return {"deleted": before}


async def get_stub(exchange: Exchange, services: Services) -> Any:
    """One stub."""
    book, stub = _one(exchange, services)
    return row(stub, book)


async def delete_stub(exchange: Exchange, services: Services) -> Any:
    """Take one stub out. One of a file comes back when the file changes."""
    book, stub = _one(exchange, services)
    book.remove(stub.id)
    return {"deleted": 1}


async def list_unmet(exchange: Exchange, services: Services) -> Any:
    """The stubs that a test still waits for."""
    book = found(needed_key(exchange, services), services).stubs
    return {"stubs": [row(stub, book) for stub in book.unmet()]}


async def list_faults(exchange: Exchange, services: Services) -> Any:  # noqa: ARG001 - a handler
    """Every kind of fault, with its parameters."""
    from mockserver.wire.faults import FAULTS  # noqa: PLC0415 - only those who ask pay for it

    return {
        "faults": [
            {
                "kind": kind.name,
                "en": kind.en,
                "zh": kind.zh,
                "streams_only": kind.streams_only,
                "params": {name: {"type": param.type, "default": param.default} for name, param in kind.params.items()},
            }
            for kind in FAULTS.values()
        ]
    }


async def add_fault(exchange: Exchange, services: Services) -> Any:
    """Add a fault or an error to every request of a session, `times` times or always."""
    key = needed_key(exchange, services)
    body = await json_object(exchange, services, FAULT_EXAMPLE)
    stub = _read(lambda: from_document(_stub_of(body)))
    return _added((stub,), opened(key, exchange, services).stubs)


def _stub_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document of the stub that a fault is short for."""
    if ("kind" in body) == ("error" in body):
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"Say which fault or which error: {FAULT_EXAMPLE}.")
    times = {"times": body["times"]} if "times" in body else {}
    given = {word: value for word, value in body.items() if word not in ("times", "error")}
    if "kind" in body:
        return {"faults": [given], **times}
    only(given, ERROR_WORDS, "an error, besides its name and times,")
    return {"error": {"name": body["error"], **given}, **times}


def _one(exchange: Exchange, services: Services) -> tuple[StubBook, Stub]:
    book = found(needed_key(exchange, services), services).stubs
    stub_id = exchange.params["id"]
    stub = next((each for each in book if each.id == stub_id), None)
    if stub is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, f"The session has no stub {stub_id!r}.")
    return book, stub


def _read(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except StubError as error:
        pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in error.path)
        raise ProblemError(HTTPStatus.BAD_REQUEST, str(error), pointer=pointer) from None


def _added(stubs: Sequence[Stub], book: StubBook) -> dict[str, Any]:
    ids = [stub.id for stub in stubs if stub.id]
    twice = next((each for at, each in enumerate(ids) if each in ids[:at]), None)
    if twice is not None:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"The id {twice!r} stands twice.")
    if len([stub for stub in book if stub.id not in ids]) + len(stubs) > MOST_STUBS:
        raise ProblemError(HTTPStatus.CONFLICT, f"A session holds at most {MOST_STUBS} stubs.")
    added = {book.add(stub) for stub in stubs}
    return {"stubs": [row(stub, book) for stub in book if stub.id in added]}


def row(stub: Stub, book: StubBook) -> dict[str, Any]:
    """A stub and its counts. What lives in Python only is named in place of being shown."""
    shown, in_python = _without_python(stub)
    return {
        "id": stub.id,
        "source": stub.source,
        "used": book.used(stub.id),
        "seen": book.seen(stub.id),
        "left": book.left(stub.id),
        "stub": to_document(shown),
        "in_python": in_python,
    }


def _without_python(stub: Stub) -> tuple[Stub, list[str]]:
    places = ["match.predicate"] if stub.matcher.predicate is not None else []
    for at, outcome in enumerate(stub.outcomes):
        if outcome.reply is not None and outcome.reply.function is not None:
            places.append("reply.function" if len(stub.outcomes) == 1 else f"outcomes[{at}].reply.function")
    if not places:
        return stub, places
    matcher = replace(stub.matcher, predicate=None)
    return replace(stub, matcher=matcher, outcomes=tuple(map(_without_function, stub.outcomes))), places


def _without_function(outcome: Outcome) -> Outcome:
    return outcome if outcome.reply is None else replace(outcome, reply=replace(outcome.reply, function=None))
