"""Breaches of the contract that one request shows by itself.

The service forgives much: unknown fields, a parameter in the wrong place, a switch that contradicts another. It
answers, only not what the client meant. These checks say so. Each has a stable code; `fixtures/violations.json`
explains it.

Pure functions over what arrived. A request that the compiled schema accepts and whose JSON is written without blanks
costs one comparison here; only others are looked at closely.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import orjson

from mockserver import resources, schemas

MAX_BREACHES = 20
"""Breaches of the schema that are told of one request."""

PARAMETERS = frozenset(
    {
        "result_format",
        "incremental_output",
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "max_tokens",
        "max_completion_tokens",
        "repetition_penalty",
        "presence_penalty",
        "stop",
        "n",
        "logprobs",
        "top_logprobs",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "enable_search",
        "search_options",
        "enable_thinking",
        "thinking_budget",
    }
)
"""Parameters of the native dialect, whose place is `parameters`."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach. `path` points into the body (JSON pointer, empty for the whole request)."""

    code: str
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check sees of a request. `body` is None where none was read or it was not JSON."""

    dialect: str
    endpoint: str
    headers: Mapping[str, str]
    query: bytes
    raw: bytes
    body: Any
    schema: str | None
    """The name of the request schema of this endpoint."""


def violations(seen: Seen) -> tuple[Violation, ...]:
    """Every breach of one request, the most general first."""
    return tuple(_all(seen))


def _all(seen: Seen) -> Iterator[Violation]:
    if seen.query:
        yield from _secret_in_url(seen)
    if seen.schema is None:
        return
    if not isinstance(seen.body, Mapping):
        yield Violation("body.not-json", "", "The body is not a JSON object.")
        return
    yield from _content_type(seen)
    yield from _duplicate_keys(seen.raw, seen.body)
    yield from _schema(seen)
    yield from _native(seen) if seen.dialect == "native" else _compatible(seen)


def _secret_in_url(seen: Seen) -> Iterator[Violation]:
    for name, value in parse_qsl(seen.query.decode("latin-1")):
        if value.startswith("sk-") or name.lower() in ("api_key", "apikey", "key", "token", "access_token"):
            yield Violation("url.secret", "", f"The query parameter {name!r} looks like a secret.")


def _content_type(seen: Seen) -> Iterator[Violation]:
    content_type = seen.headers.get("content-type", "")
    if not content_type.lower().startswith("application/json"):
        shown = repr(content_type) if content_type else "missing"
        yield Violation("header.content-type", "", f"Content-Type is {shown}; it must be application/json.")


def _duplicate_keys(raw: bytes, body: Any) -> Iterator[Violation]:
    if len(orjson.dumps(body)) == len(raw):
        return
    twice: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        known = dict(found)
        if len(known) < len(found):
            names = [name for name, _ in found]
            twice.extend(name for name in known if names.count(name) > 1)
        return known

    try:
        json.loads(raw, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return
    for name in twice:
        yield Violation("body.duplicate-key", "", f"The key {name!r} stands twice in one object; the last one counts.")


def _schema(seen: Seen) -> Iterator[Violation]:
    if seen.schema is None or schemas.accepts(seen.schema, seen.body):
        return
    for breach in schemas.explain(seen.schema, seen.body)[:MAX_BREACHES]:
        yield Violation(f"schema.{breach.keyword}", breach.path, breach.message)


def _native(seen: Seen) -> Iterator[Violation]:
    given = seen.body.get("input")
    given = given if isinstance(given, Mapping) else {}
    parameters = seen.body.get("parameters")
    parameters = parameters if isinstance(parameters, Mapping) else {}
    for name in PARAMETERS.intersection(seen.body):
        yield Violation("parameter.misplaced", f"/{name}", f"{name} stands at the top; its place is parameters.")
    for name in PARAMETERS.intersection(given):
        yield Violation("parameter.misplaced", f"/input/{name}", f"{name} stands in input; its place is parameters.")
    for name in ("messages", "prompt"):
        if name in parameters or name in seen.body:
            yield Violation("parameter.misplaced", f"/{name}", f"The place of {name} is input.")
    if given.get("history") is not None:
        yield Violation("input.history", "/input/history", "history is deprecated; send messages.")
    yield from _native_switch(seen, parameters)


def _native_switch(seen: Seen, parameters: Mapping[str, Any]) -> Iterator[Violation]:
    accepts = "text/event-stream" in seen.headers.get("accept", "").lower()
    switch = seen.headers.get("x-dashscope-sse", "").strip().lower()
    streams = accepts or switch == "enable"
    if accepts and switch == "disable":
        yield Violation("sse.contradictory", "", "Accept asks for a stream and X-DashScope-SSE forbids it.")
    if not streams and (parameters.get("stream") is True or seen.body.get("stream") is True):
        message = "stream in the body has no effect; X-DashScope-SSE: enable asks for a stream."
        yield Violation("sse.missing", "/stream", message)
    if not streams and parameters.get("incremental_output") is True:
        message = "incremental_output has no effect without a stream."
        yield Violation("sse.missing", "/parameters/incremental_output", message)


def _compatible(seen: Seen) -> Iterator[Violation]:
    for name in ("parameters", "input", "extra_body"):
        if isinstance(seen.body.get(name), Mapping):
            message = f"{name} is unknown here and what it holds is ignored; parameters stand at the top."
            yield Violation("parameter.misplaced", f"/{name}", message)
    if seen.body.get("stream_options") and seen.body.get("stream") is not True:
        yield Violation("sse.missing", "/stream_options", "stream_options has no effect without stream: true.")
    switch = seen.headers.get("x-dashscope-sse", "").strip().lower()
    if switch == "enable" and seen.body.get("stream") is not True and seen.endpoint == "chat":
        yield Violation("sse.contradictory", "", "X-DashScope-SSE has no effect here; stream: true asks for a stream.")


@cache
def explanations() -> Mapping[str, Mapping[str, Any]]:
    """What each code means, why it matters and how to mend it, in English and Chinese, by code."""
    rows: Sequence[Mapping[str, Any]] = resources.load("fixtures", "violations.json")["codes"]
    return {row["code"]: row for row in rows}
