"""The compatible dialect: `POST /compatible-mode/v1/chat/completions`.

`read` takes a body apart, `write` and `write_stream` put a completion together, `write_error` a refusal. All are pure
functions. The order of keys differs by a chunk's place in the stream, as recorded in 2026-02: the opening chunk carries
the role and nothing else, the second is one token, the last carries the finish reason; a usage chunk with no choices and
`[DONE]` follow. A stream that begins with a tool call has its role in the first call.

Errors come from different layers of the service, and each layer has its own keys and ids (`_BODIES`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from mockserver import errors, schemas
from mockserver.dialects.body import without_nulls
from mockserver.dialects.draft import Draft, Json
from mockserver.dialects.meta import Meta, Refusal
from mockserver.dialects.types import message_mismatches, read_compatible, refuse_compatible
from mockserver.engine.chunks import Delta, walk
from mockserver.errors import ApiError
from mockserver.generation import CallSegment, Choice, Completion, GenerationRequest
from mockserver.models import Model, models
from mockserver.profiles import Profile
from mockserver.rules import judge_gateway, judge_schema
from mockserver.wire.sse import compatible_done, compatible_frame

JSON = b"application/json"
SSE = b"text/event-stream;charset=UTF-8"

ENVELOPE = frozenset({"model", "messages", "prompt"})
"""Fields of a body that are not parameters."""


# Reading


def read(body: Json, *, profile: Profile) -> Draft:
    """Takes a request apart, in the order in which the service refuses one.

    Raises:
        ApiError: for the model, the schema layer, and the gateway's rules.
    """
    model = read_model(body, profile)
    judged = schemas.accepts("compatible/chat-request", body)
    parameters = without_nulls({name: value for name, value in body.items() if name not in ENVELOPE})
    messages = body.get("messages")
    if not judged:
        parameters = read_compatible(parameters)
        if messages is not None:
            refuse_compatible(message_mismatches("messages", messages))
    draft = Draft(
        dialect="compatible",
        profile=profile,
        model=model,
        stream=parameters.get("stream") is True,
        parameters=parameters,
        messages=tuple(messages or ()),
        given_messages=messages is not None,
        judged=judged,
    )
    judge_schema(draft)
    judge_gateway(draft)
    return draft


def read_model(body: Json, profile: Profile) -> Model:
    """The model a compatible request names; names are case-sensitive.

    Raises:
        ApiError: if it is missing, unknown, or only served by the native dialect.
    """
    name = body.get("model")
    if name is None or name == "":
        raise ApiError("InvalidParameter/model-missing")
    model = models(profile.name).get(name) if isinstance(name, str) else None
    if model is None:
        raise ApiError("InvalidParameter/model-not-exist", model=name)
    if not model.compatible:
        raise ApiError("InvalidParameter/model-not-compatible", model=name)
    return model


def wants_stream(body: Json) -> bool:
    """Whether errors are to be framed as a stream: known before anything else of the body is."""
    return body.get("stream") is True


# Writing


def write(completion: Completion, request: GenerationRequest, meta: Meta) -> bytes:
    """The whole answer as one JSON object."""
    return orjson.dumps(
        {
            "choices": [_choice(choice, request, meta.profile) for choice in completion.choices],
            "object": "chat.completion",
            "usage": _usage(completion, request, meta.profile),
            "created": meta.created,
            "system_fingerprint": orjson.Fragment(meta.profile.compatible_fingerprint),
            "model": request.model.name,
            "id": completion_id(meta),
        }
    )


def completion_id(meta: Meta) -> str:
    """`chatcmpl-` and the request id; without dashes in the documents of 2024."""
    dashed = meta.profile.compatible_dashed_ids
    return "chatcmpl-" + (meta.request_id if dashed else meta.request_id.replace("-", ""))


def _choice(choice: Choice, request: GenerationRequest, profile: Profile) -> dict[str, Any]:
    message: dict[str, Any] = {"content": choice.text.text, "role": "assistant"}
    if request.thinking:
        message["reasoning_content"] = choice.reasoning.text
    if choice.calls:
        message["tool_calls"] = [_call(index, call) for index, call in enumerate(choice.calls)]
    return {
        "message": {key: message[key] for key in profile.compatible_message_keys if key in message},
        "finish_reason": choice.finish_reason,
        "index": choice.index,
        "logprobs": None if choice.logprobs is None else {"content": choice.logprobs},
    }


def _call(index: int, call: CallSegment) -> dict[str, Any]:
    function = {"arguments": call.arguments.text, "name": call.name}
    return {"function": function, "id": call.id, "index": index, "type": "function"}


def _usage(completion: Completion, request: GenerationRequest, profile: Profile) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "prompt_tokens": completion.input_tokens,
        "completion_tokens": completion.output_tokens,
        "total_tokens": completion.input_tokens + completion.output_tokens,
    }
    if profile.usage_details:
        if request.thinking:
            usage["completion_tokens_details"] = {"reasoning_tokens": completion.reasoning_tokens}
        usage["prompt_tokens_details"] = {"cached_tokens": 0}
    return usage


# Streaming


def write_stream(completion: Completion, request: GenerationRequest, meta: Meta) -> Iterator[bytes]:
    """The chunks of a stream, framed, and the end marker."""
    frame = _framer(request, meta)
    painting = [_chunks(choice, request, meta.profile) for choice in completion.choices]
    while painting:
        for chunks in tuple(painting):
            chunk = next(chunks, None)
            if chunk is None:
                painting.remove(chunks)
            else:
                yield frame(b"[" + chunk + b"]", b"null")
    if request.include_usage:
        yield frame(b"[]", orjson.dumps(_usage(completion, request, meta.profile)))
    yield compatible_done(prefix=meta.profile.compatible_data_prefix)


def _framer(request: GenerationRequest, meta: Meta) -> Callable[[bytes, bytes], bytes]:
    prefix = meta.profile.compatible_data_prefix
    tail = b',"created":%d,"system_fingerprint":%b,"model":%b,"id":"%b"}' % (
        meta.created,
        meta.profile.compatible_fingerprint,
        orjson.dumps(request.model.name),
        completion_id(meta).encode(),
    )

    def frame(choices: bytes, usage: bytes) -> bytes:
        data = b'{"choices":%b,"object":"chat.completion.chunk","usage":%b%b' % (choices, usage, tail)
        return compatible_frame(data, prefix=prefix)

    return frame


Paint = Callable[[bytes, bytes], bytes]
"""Writes a choice around a delta and the logprobs of its tokens."""


def _chunks(choice: Choice, request: GenerationRequest, profile: Profile) -> Iterator[bytes]:
    """The choice's chunks, each as the JSON of one element of `choices`."""
    paint = {place: _painter(place, choice, profile) for place in profile.compatible_choice_keys}
    role_pending = True
    places = iter(("second",))
    calls_first = not (choice.text.text or choice.reasoning.text) and bool(choice.calls)
    if profile.compatible_role_first and not calls_first:
        role_pending = False
        yield paint["opening"](_opening(request), b"null")
    logprobs = _logprobs(choice)
    for delta in walk(choice, profile.compatible_first_tokens, profile.compatible_step):
        for fields in _fields(choice, request, delta):
            shown = fields + b',"role":"assistant"' if role_pending else fields
            place = next(places, "running") if delta.kind != "call" and profile.compatible_role_first else "running"
            role_pending = False
            yield paint[place](b"{%b}" % shown, logprobs(delta))
    if choice.calls:
        yield _closing_call(choice)
        yield paint["last"](b"{}", b"null")
    else:
        last = b'{"content":""%b}' % (b',"reasoning_content":null' if request.thinking else b"")
        yield paint["last"](last, b"null")


def _painter(place: str, choice: Choice, profile: Profile) -> Paint:
    finish = orjson.dumps(choice.finish_reason) if place == "last" else profile.compatible_running
    values = {"finish_reason": finish, "index": b"%d" % choice.index, "delta": b"%b", "logprobs": b"%b"}
    keys = profile.compatible_choice_keys[place]
    template = b"{%b}" % b",".join(b'"%b":%b' % (key.encode(), values[key]) for key in keys)
    if keys.index("delta") < keys.index("logprobs"):
        return lambda delta, logprobs: template % (delta, logprobs)
    return lambda delta, logprobs: template % (logprobs, delta)


def _opening(request: GenerationRequest) -> bytes:
    if request.thinking:
        return b'{"content":null,"role":"assistant","reasoning_content":""}'
    return b'{"content":"","role":"assistant"}'


def _fields(choice: Choice, request: GenerationRequest, delta: Delta) -> Iterator[bytes]:
    """The fields of the delta without braces; a new call is announced before its arguments."""
    if delta.kind == "text":
        content = orjson.dumps(choice.text.text[delta.start : delta.end])
        yield b'"content":%b%b' % (content, b',"reasoning_content":null' if request.thinking else b"")
    elif delta.kind == "reasoning":
        yield b'"content":null,"reasoning_content":%b' % orjson.dumps(choice.reasoning.text[delta.start : delta.end])
    else:
        call = choice.calls[delta.call]
        if delta.start == 0:
            yield _call_fields({"index": delta.call, "id": call.id}, {"name": call.name, "arguments": ""})
        if delta.end > delta.start:
            arguments = call.arguments.text[delta.start : delta.end]
            yield _call_fields({"index": delta.call, "id": ""}, {"arguments": arguments})


def _call_fields(head: dict[str, Any], function: dict[str, str]) -> bytes:
    return b'"content":null,"tool_calls":%b' % orjson.dumps([{**head, "type": "function", "function": function}])


def _closing_call(choice: Choice) -> bytes:
    """The chunk without arguments, finish reason or logprobs that ends the calls (recorded 2026-02)."""
    index = len(choice.calls) - 1
    call = {"function": {"arguments": ""}, "index": index, "id": "", "type": "function"}
    return orjson.dumps({"delta": {"tool_calls": [call]}, "index": choice.index})


def _logprobs(choice: Choice) -> Callable[[Delta], bytes]:
    """The logprobs of the tokens that a delta of text adds."""
    shown = 0

    def take(delta: Delta) -> bytes:
        nonlocal shown
        if choice.logprobs is None or delta.kind != "text":
            return b"null"
        start, shown = shown, delta.tokens - choice.text_offset
        return orjson.dumps({"content": choice.logprobs[start:shown]})

    return take


# Errors


def write_error(error: ApiError, meta: Meta, *, stream: bool) -> Refusal:
    """A refusal in the shape of the layer that refuses; the engine frames it where a stream was asked for."""
    form = errors.compatible_form(error.entry, meta.profile)
    framed = stream and form.shape == "engine" and meta.profile.stream_errors_framed
    said = {
        "message": errors.text(form, error.params, meta.profile, prefixed=not framed),
        "type": form.type,
        "param": form.param,
        "code": form.code,
    }
    if framed:
        return Refusal(form.status, SSE, compatible_frame(orjson.dumps(_framed(said, meta))))
    return Refusal(form.status, b"" if form.shape == "empty" else JSON, _BODIES[form.shape](said, meta))


Said = Mapping[str, Any]


def _framed(said: Said, meta: Meta) -> dict[str, Any]:
    return {"error": _ordered(said, "code", "param", "message", "type"), "id": completion_id(meta)}


def _ordered(said: Said, *keys: str) -> dict[str, Any]:
    return {key: said[key] for key in keys}


def _body(*keys: str, request_id: str | None = None, with_id: bool = False) -> Callable[[Said, Meta], bytes]:
    """A writer of error bodies. `request_id` is a prefix to the id; None leaves the ids out."""

    def write_body(said: Said, meta: Meta) -> bytes:
        body: dict[str, Any] = {"error": _ordered(said, *keys)}
        if meta.profile.compatible_error_ids:
            if with_id:
                body["id"] = completion_id(meta)
            if request_id is not None:
                body["request_id"] = request_id + meta.request_id
        return orjson.dumps(body)

    return write_body


_CLASSIC = ("message", "type", "param", "code")
_BODIES: Mapping[str, Callable[[Said, Meta], bytes]] = {
    "gateway": _body(*_CLASSIC, request_id=""),
    "quota": _body("code", "message", "param", "type", request_id=""),
    "body": _body("message", "type"),
    "schema": _body(*_CLASSIC, request_id="chatcmpl-"),
    "engine": _body(*_CLASSIC, request_id="", with_id=True),
    "files": _body(*_CLASSIC),
    "batch": _body(*_CLASSIC),
    "empty": lambda _said, _meta: b"",
}
