"""Breaches of the contract that one request shows by itself.

The service forgives much: unknown fields, a parameter in the wrong place, a switch that contradicts another. It
answers, only not what the client meant. These checks say so. Each has a stable code; `fixtures/violations.json`
explains it.

Pure functions over what arrived, for any bytes: they do not raise, and what they say is bounded. A valid request costs
microseconds: the compiled schema judges it, and a key that stands twice is found by counting (`_keys_are_unique`).
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

import orjson

from mockserver import resources, schemas

MAX_VIOLATIONS = 20
"""Violations that are told of one request."""
EXPLAINED = 128 * 1024
"""Bytes of a body above which a breach of the schema is told without its place: explaining takes too long."""
SHOWN = 500
"""Characters of a message or a path."""

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


_SECRETS = frozenset({"api_key", "api-key", "apikey", "key", "token", "access_token", "authorization"})
_BLANK_COLONS = (b" :", b"\n:", b"\r:", b"\t:")
_BLANK_BEFORE_COLON = re.compile(rb'"\s+:')


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach. `path` points into the body (JSON pointer, empty for the whole request)."""

    code: str
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check sees of a request. `headers` are by lower-case name.

    `body` is None where none was read or it was not JSON. `schema` names the request schema of an endpoint that takes
    a JSON object; it is None for all others (uploads, requests without a body), which are asked about their URL only.
    """

    dialect: str
    endpoint: str
    headers: Mapping[str, str]
    query: bytes
    raw: bytes
    body: Any
    schema: str | None


def violations(seen: Seen) -> tuple[Violation, ...]:
    """The breaches of one request, those of the schema last, `MAX_VIOLATIONS` at most."""
    return tuple(
        Violation(found.code, found.path[:SHOWN], found.message[:SHOWN]) for found in islice(_all(seen), MAX_VIOLATIONS)
    )


def _all(seen: Seen) -> Iterator[Violation]:
    if seen.query:
        yield from _secret_in_url(seen.query)
    if seen.schema is None:
        return
    if not isinstance(seen.body, Mapping):
        yield Violation("body.not-json", "", "The body is not a JSON object.")
        return
    yield from _content_type(seen.headers.get("content-type", ""))
    if not _keys_are_unique(seen.raw, seen.body):
        yield from _duplicate_keys(seen.raw)
    yield from _native(seen) if seen.dialect == "native" else _compatible(seen)
    yield from _schema(seen.schema, seen)


def _secret_in_url(query: bytes) -> Iterator[Violation]:
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name.startswith("sk-"):
            yield Violation("url.secret", "", "The name of a query parameter looks like a key.")
        elif value.startswith("sk-") or (value and name.lower() in _SECRETS):
            yield Violation("url.secret", "", f"The query parameter {name!r} looks like a secret.")


def _content_type(content_type: str) -> Iterator[Violation]:
    if not content_type.lower().startswith("application/json"):
        shown = repr(content_type) if content_type else "missing"
        yield Violation("header.content-type", "", f"Content-Type is {shown}; it must be application/json.")


def _keys_are_unique(raw: bytes, body: Any) -> bool:
    """Whether no key stands twice. False may be wrong, True never is.

    Most clients write as compactly as orjson, so that the body written anew is the same. Otherwise: a key ends in `":`,
    unless a blank comes in between, and inside strings `":` stands as often in both texts, unless it is escaped in
    numbers. So if both have it equally often, parsing lost no key.
    """
    try:
        anew = orjson.dumps(body)
    except orjson.JSONEncodeError:  # nested too deep
        return False
    if anew == raw:
        return True
    if b"\\u00" in raw or (any(end in raw for end in _BLANK_COLONS) and _BLANK_BEFORE_COLON.search(raw)):
        return False
    return raw.count(b'":') == anew.count(b'":')


def _duplicate_keys(raw: bytes) -> Iterator[Violation]:
    twice: dict[str, None] = {}

    def pairs(found: list[tuple[str, Any]]) -> None:
        names = Counter(name for name, _ in found)
        twice.update((name, None) for name, count in names.items() if count > 1)

    try:
        json.loads(raw, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return
    for name in twice:
        shown = repr(name[:SHOWN])
        yield Violation("body.duplicate-key", "", f"The key {shown} stands twice in one object; the last one counts.")


def _schema(name: str, seen: Seen) -> Iterator[Violation]:
    if schemas.accepts(name, seen.body):
        return
    if len(seen.raw) > EXPLAINED:
        yield Violation("schema", "", "The body breaks the request schema; it is too large to look for the place.")
        return
    for breach in schemas.explain(name, seen.body):
        yield Violation(f"schema.{breach.keyword}", breach.path, breach.message)


def _native(seen: Seen) -> Iterator[Violation]:
    given, parameters = _object(seen.body, "input"), _object(seen.body, "parameters")
    for name in seen.body:
        if name in PARAMETERS:
            yield _misplaced(f"/{name}", f"{name} stands at the top; its place is parameters.")
    for name in given:
        if name in PARAMETERS:
            yield _misplaced(f"/input/{name}", f"{name} stands in input; its place is parameters.")
    for name in ("messages", "prompt"):
        for place, holder in (("", seen.body), ("/parameters", parameters)):
            if name in holder:
                yield _misplaced(f"{place}/{name}", f"The place of {name} is input.")
    if given.get("history") is not None:
        yield Violation("input.history", "/input/history", "history is deprecated; send messages.")
    yield from _native_switch(seen, parameters)


def _native_switch(seen: Seen, parameters: Mapping[str, Any]) -> Iterator[Violation]:
    accepts = "text/event-stream" in seen.headers.get("accept", "").lower()
    asked = "text/event-stream" in seen.headers.get("content-type", "").lower()
    switch = seen.headers.get("x-dashscope-sse", "").strip().lower()
    if accepts and switch == "disable":
        yield Violation("sse.contradictory", "", "Accept asks for a stream and X-DashScope-SSE forbids it.")
    if accepts or asked or switch == "enable":
        return
    if switch not in ("", "disable"):
        yield Violation("sse.missing", "", f"X-DashScope-SSE is {switch!r}; only enable asks for a stream.")
    for place, holder in (("", seen.body), ("/parameters", parameters)):
        if holder.get("stream") is True:
            message = "stream in the body has no effect; X-DashScope-SSE: enable asks for a stream."
            yield Violation("sse.missing", f"{place}/stream", message)
    if parameters.get("incremental_output") is True:
        message = "incremental_output has no effect without a stream."
        yield Violation("sse.missing", "/parameters/incremental_output", message)


def _compatible(seen: Seen) -> Iterator[Violation]:
    for name in ("parameters", "input", "extra_body"):
        if isinstance(seen.body.get(name), Mapping):
            message = f"{name} is unknown here and what it holds is ignored; parameters stand at the top."
            yield _misplaced(f"/{name}", message)
    if seen.body.get("stream_options") and seen.body.get("stream") is not True:
        yield Violation("sse.missing", "/stream_options", "stream_options has no effect without stream: true.")
    switch = seen.headers.get("x-dashscope-sse", "").strip().lower()
    if switch == "enable" and seen.body.get("stream") is not True and seen.endpoint == "chat":
        yield Violation("sse.contradictory", "", "X-DashScope-SSE has no effect here; stream: true asks for a stream.")


def _misplaced(path: str, message: str) -> Violation:
    return Violation("parameter.misplaced", path, message)


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}


@cache
def explanations() -> Mapping[str, Mapping[str, Any]]:
    """What each code means, why it matters and how to mend it, in English and Chinese, by code."""
    rows: Sequence[Mapping[str, Any]] = resources.load("fixtures", "violations.json")["codes"]
    return {row["code"]: row for row in rows}


def explanation(code: str) -> Mapping[str, Any] | None:
    """The explanation of a code, None if there is none. `schema.required` and its kin share that of `schema`."""
    return explanations().get("schema" if code.startswith("schema.") else code)
