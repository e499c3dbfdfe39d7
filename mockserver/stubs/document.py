"""Stubs as JSON: the form of stub files and of the control API.

`schemas/control/stub.json` says what a document may look like and is asked first; what a schema cannot say
(an error's name, a pattern that does not compile) the stubs say themselves. Either way the error leads to the
place. `to_document` writes the shortest form that `from_document` reads back to the same stub.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from typing import Any, TypeVar

from mockserver import schemas
from mockserver.stubs.stub import (
    Always,
    CallSpec,
    ErrorSpec,
    EveryNth,
    Exactly,
    Lasting,
    Matcher,
    Outcome,
    Probability,
    Ramp,
    ReplySpec,
    Scenario,
    Source,
    Stub,
    StubError,
    TextMatch,
    Times,
)
from mockserver.wire import units
from mockserver.wire.fault import Fault, fault
from mockserver.wire.pacing import Pacing, named

__all__ = ["from_document", "from_file", "place", "to_document"]

Path = tuple[str | int, ...]
Document = dict[str, Any]
_OUTCOME = ("reply", "error", "faults", "pacing")
_TEXTS = ("last_user", "any_message")
_SECONDS = ("ttft", "itl", "jitter")
_WHOLE = ("turn", "status", "after", "tokens_per_chunk")
_V = TypeVar("_V")


def from_document(document: Mapping[str, Any], *, source: Source = "control") -> Stub:
    """The stub that a document describes.

    Raises:
        StubError: the document breaks the schema, or says what cannot be. `path` leads to the place.
    """
    _check("control/stub", document)
    return _stub(document, source, ())


def from_file(content: Any, *, source: Source = "file") -> tuple[Stub, ...]:
    """The stubs of a file's content, `{"stubs": [...]}`. Raises `StubError` as `from_document`."""
    _check("control/stub-file", content)
    return tuple(_stub(each, source, ("stubs", at)) for at, each in enumerate(content["stubs"]))


def place(path: Path) -> str:
    """A path as people write it: `stubs[0].reply.text`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _check(schema: str, document: Any) -> None:
    breaches = [] if schemas.accepts(schema, document) else schemas.explain(schema, document)
    if breaches:
        raise StubError(" ".join(breach.message for breach in breaches), _path(breaches[0].path))


def _path(pointer: str) -> Path:
    parts = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    return tuple(int(part) if part.isdecimal() else part for part in parts)


@contextmanager
def _at(*path: str | int) -> Iterator[None]:
    """Errors raised inside lead to the path."""
    try:
        yield
    except ValueError as error:
        if isinstance(error, StubError) and error.path:
            raise
        raise StubError(f"{place(path)}: {error}" if path else str(error), path) from error


def _stub(document: Mapping[str, Any], source: Source, path: Path) -> Stub:
    outcomes = _outcomes(document, path)
    matcher = _matcher(document.get("match", {}), (*path, "match"))
    with _at(*path):
        return Stub(
            matcher=matcher,
            outcomes=outcomes,
            times=_times(document.get("times", "always")),
            priority=int(document.get("priority", 0)),
            scenario=Scenario(**document["scenario"]) if "scenario" in document else None,
            name=document.get("name", ""),
            id=document.get("id", ""),
            source=source,
        )


def _outcomes(document: Mapping[str, Any], path: Path) -> tuple[Outcome, ...]:
    single = [key for key in _OUTCOME if key in document]
    if "outcomes" not in document:
        return (_outcome(document, path),)
    with _at(*path):
        if single:
            raise StubError(f"{', '.join(single)} beside outcomes: put it into one of the outcomes")
    return tuple(_outcome(each, (*path, "outcomes", at)) for at, each in enumerate(document["outcomes"]))


def _outcome(document: Mapping[str, Any], path: Path) -> Outcome:
    def part(key: str, read: Callable[[Any], _V]) -> _V | None:
        with _at(*path, key):
            return read(document[key]) if key in document else None

    found = {
        "reply": part("reply", _reply),
        "error": part("error", _error),
        "faults": part("faults", _faults) or (),
        "pacing": part("pacing", _pacing),
    }
    with _at(*path):
        return Outcome(**found)  # type: ignore[arg-type]


def _matcher(document: Mapping[str, Any], path: Path) -> Matcher:
    given = dict(document)
    with _at(*path):
        for key in _TEXTS:
            if key in given:
                given[key] = _text(given[key])
        given["headers"] = {name: _text(each) for name, each in given.get("headers", {}).items()}
        given["tools"] = tuple(given.get("tools", ()))
        return Matcher(**_whole(given))


def _text(document: str | Mapping[str, str]) -> TextMatch:
    return TextMatch(contains=document) if isinstance(document, str) else TextMatch(**document)


def _reply(document: str | Mapping[str, Any]) -> ReplySpec:
    if isinstance(document, str):
        return ReplySpec(text=document)
    given = dict(document)
    for key in ("chunks", "reasoning"):
        if isinstance(given.get(key), list):
            given[key] = tuple(given[key])
    if "tool_calls" in given:
        given["tool_calls"] = tuple(CallSpec(**each) for each in given["tool_calls"])
    if "sse" in given:
        given["sse"] = _bytes(given["sse"])
    return ReplySpec(**_whole(given))


def _bytes(document: str | Mapping[str, str]) -> bytes:
    if isinstance(document, str):
        return document.encode()
    try:
        return base64.b64decode(document["base64"], validate=True)
    except binascii.Error as error:
        raise StubError(f"sse.base64 is not base64: {error}") from error


def _error(document: str | Mapping[str, Any]) -> ErrorSpec:
    if isinstance(document, str):
        return ErrorSpec(document)
    given = dict(document)
    if "retry_after" in given:
        given["retry_after"] = units.seconds(given["retry_after"])
    return ErrorSpec(**_whole(given))


def _faults(document: list[str | Mapping[str, Any]]) -> tuple[Fault, ...]:
    return tuple(
        fault(each, {}) if isinstance(each, str) else fault(each["kind"], _without(each, "kind")) for each in document
    )


def _without(document: Mapping[str, Any], key: str) -> Document:
    return {name: value for name, value in document.items() if name != key}


def _pacing(document: str | Mapping[str, Any]) -> Pacing:
    if isinstance(document, str):
        return named(document)
    given: Document = {key: units.seconds(value) if key in _SECONDS else value for key, value in document.items()}
    profile = named(given.pop("profile")) if "profile" in given else Pacing()
    return replace(profile, **_whole(given))


def _whole(given: Document) -> Document:
    """Whole numbers as such: to a JSON Schema 3.0 is one too."""
    return {key: int(value) if key in _WHOLE and value is not None else value for key, value in given.items()}


def _plain_times(times: Exactly | EveryNth | Probability | Lasting | Ramp) -> Any:
    match times:
        case Exactly(n):
            return n
        case EveryNth(n):
            return {"every": n}
        case Probability(p):
            return {"probability": p}
        case Lasting(seconds):
            return {"lasting": seconds}
        case Ramp(start, end, seconds):
            return {"ramp": {"start": start, "end": end, "seconds": seconds}}


def _times(document: Any) -> Times:  # noqa: PLR0911 - one line for each way
    match document:
        case "always":
            return Always()
        case "once":
            return Exactly(1)
        case int() | float():
            return Exactly(int(document))
        case {"every": n}:
            return EveryNth(int(n))
        case {"probability": p}:
            return Probability(p)
        case {"lasting": seconds}:
            return Lasting(units.seconds(seconds))
        case {"ramp": {"start": start, "end": end, "seconds": seconds}}:
            return Ramp(start, end, units.seconds(seconds))
        case _:
            raise StubError(f"times cannot be {document!r}")


def to_document(stub: Stub) -> Document:
    """The document of a stub, without what is as by default. The source is no part of it.

    Raises:
        StubError: the stub has a predicate or a function, which live in Python only.
    """
    document = _set(stub)
    document.pop("source", None)
    if "matcher" in document:
        document["match"] = document.pop("matcher")
    outcomes = document.pop("outcomes", [{}])
    return document | (outcomes[0] if len(outcomes) == 1 else {"outcomes": outcomes})


def _set(value: Any) -> Document:
    """The fields of a frozen value that are not as by default."""
    return {each.name: _plain(got) for each in fields(value) if (got := getattr(value, each.name)) != _usual(each)}


def _usual(each: Field[Any]) -> object:
    return each.default if each.default_factory is MISSING else each.default_factory()


def _plain(value: Any) -> Any:  # noqa: PLR0911 - one line for each kind of value
    match value:
        case TextMatch(contains=str(part)):
            return part
        case Fault(kind, params):
            return {"kind": kind, **params}
        case Exactly() | EveryNth() | Probability() | Lasting() | Ramp():
            return _plain_times(value)
        case bytes():
            return _sse(value)
        case tuple() | list():
            return [_plain(each) for each in value]
        case Mapping():
            return {key: _plain(each) for key, each in value.items()}
        case _ if callable(value):
            raise StubError("a predicate or a function lives in Python only: no document can hold it")
        case _:
            return _set(value) if is_dataclass(value) else value


def _sse(sse: bytes) -> Any:
    try:
        return sse.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(sse).decode()}
