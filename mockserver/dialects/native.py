"""The native dialect: `POST /api/v1/services/aigc/text-generation/generation`.

`read` takes a body apart, `write` and `write_stream` put a completion together, `write_error` a refusal. All are pure
functions; key order, the string `"null"` and the repeated usage are as recorded (2025-03 to 2026-04).

An event of a stream is a constant frame around three things that move: the text so far (full) or since the last event
(incremental), the finish reason, and the number of output tokens. Text is escaped once, delta by delta: in full mode the
escaped deltas are joined and sliced, never encoded again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from mockserver import errors, schemas
from mockserver.dialects.body import without_nulls
from mockserver.dialects.draft import Draft, Json
from mockserver.dialects.meta import Meta, Refusal
from mockserver.dialects.types import (
    Fragment,
    history_mismatches,
    message_mismatches,
    read_native,
    refuse_native,
)
from mockserver.engine.chunks import Delta, walk
from mockserver.errors import ApiError
from mockserver.generation import CallSegment, Choice, Completion, GenerationRequest
from mockserver.models import Model, models
from mockserver.profiles import Profile
from mockserver.rules import judge_gateway
from mockserver.wire.sse import native_error_frame, native_frame

JSON = b"application/json"
SSE = b"text/event-stream;charset=UTF-8"

RUNNING = b"null"
"""A choice that goes on has the string "null" as its finish reason."""


# Reading


def read(body: Json, *, stream: bool, profile: Profile) -> Draft:
    """Takes a request apart, in the order in which the service refuses one.

    Raises:
        ApiError: for the model, the envelope, the gateway's rules, and the types of parameters.
    """
    model = read_model(body, profile)
    given = _object(body, "input")
    if given is None:
        raise ApiError("BadRequest.EmptyInput")
    judged = schemas.accepts("native/generation-request", body)
    parameters = without_nulls(_object(body, "parameters") or {})
    prompt, messages = given.get("prompt"), given.get("messages")
    draft = Draft(
        dialect="native",
        profile=profile,
        model=model,
        stream=stream,
        parameters=parameters,
        messages=(),
        given_prompt=prompt is not None,
        given_messages=messages is not None,
        judged=judged,
    )
    judge_gateway(draft)
    if not judged:
        parameters = read_native(parameters)
        refuse_native(_input_mismatches(given))
    turns = messages if messages is not None else _conversation(given)
    return replace(draft, parameters=parameters, messages=tuple(turns))


def read_model(body: Json, profile: Profile) -> Model:
    """The model a native text request names.

    Raises:
        ApiError: if it is missing, not text, unknown, or belongs to another endpoint.
    """
    name = body.get("model")
    if name is None or name == "":
        raise ApiError("BadRequest.EmptyModel")
    if not isinstance(name, str):
        refuse_native([("string", "model")])
    model = models(profile.name).get(name)
    if model is None:
        raise ApiError("InvalidParameter/model-not-exist", model=name)
    if model.endpoint != "text-generation":
        raise ApiError("InvalidParameter/url-error")
    return model


def _object(body: Json, name: str) -> Json | None:
    value = body.get(name)
    if value is None or isinstance(value, Mapping):
        return value
    if name == "input":
        raise ApiError("BadRequest.IllegalInput")
    refuse_native([("dictionary", name)])
    return None


def _input_mismatches(given: Json) -> Iterator[Fragment]:
    prompt, messages, history = given.get("prompt"), given.get("messages"), given.get("history")
    if prompt is not None and not isinstance(prompt, str):
        yield "string", "input.prompt"
    if messages is not None:
        yield from message_mismatches("input.messages", messages)
    if history is not None:
        yield from history_mismatches("input.history", history)


def _conversation(given: Json) -> Iterator[Json]:
    """The deprecated `history` and the `prompt`, as the messages they stand for."""
    if given.get("prompt") is None:
        return
    for turn in given.get("history") or ():
        yield {"role": "user", "content": turn.get("user") or ""}
        yield {"role": "assistant", "content": turn.get("bot") or ""}
    yield {"role": "user", "content": given["prompt"]}


# Writing


def write(completion: Completion, request: GenerationRequest, meta: Meta) -> bytes:
    """The whole answer as one JSON object."""
    usage = _usage(completion, request, meta.profile)(completion.output_tokens, completion.reasoning_tokens)
    output = _text_output(completion) if request.result_format == "text" else _message_output(completion, request)
    return b'{"output":%b,"usage":%b,"request_id":"%b"}' % (output, usage, meta.request_id.encode())


def _text_output(completion: Completion) -> bytes:
    choice = completion.choices[0]
    return orjson.dumps({"finish_reason": choice.finish_reason, "text": choice.text.text})


def _message_output(completion: Completion, request: GenerationRequest) -> bytes:
    several = len(completion.choices) > 1
    return orjson.dumps({"choices": [_json_choice(choice, request, several=several) for choice in completion.choices]})


def _json_choice(choice: Choice, request: GenerationRequest, *, several: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant"}
    if choice.calls:
        message["tool_calls"] = [_json_call(index, call) for index, call in enumerate(choice.calls)]
    message["content"] = choice.text.text
    if request.thinking:
        message["reasoning_content"] = choice.reasoning.text
    whole: dict[str, Any] = {"finish_reason": finish_reason(choice, request), "message": message}
    if several:
        whole["index"] = choice.index
    if choice.logprobs is not None:
        whole["logprobs"] = {"content": choice.logprobs}
    return whole


def _json_call(index: int, call: CallSegment) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments.text}
    return {"function": function, "index": index, "id": call.id, "type": "function"}


def finish_reason(choice: Choice, request: GenerationRequest) -> str:
    """A tool that the client forced ends with `stop` (recorded 2024-11; the documents say `tool_calls`)."""
    forced = choice.finish_reason == "tool_calls" and request.tool_choice not in ("auto", "none", "required")
    return "stop" if forced else choice.finish_reason


# Streaming


def write_stream(completion: Completion, request: GenerationRequest, meta: Meta) -> Iterator[bytes]:
    """The events of a stream, framed.

    The last delta of text is followed by an event without text that carries the finish reason; a tool call carries it
    in its own last event.
    """
    usage = _usage(completion, request, meta.profile)
    tail = b',"request_id":"%b"}' % meta.request_id.encode()
    painters = [_painter(choice, request, several=request.n > 1) for choice in completion.choices]
    billed = [(0, 0)] * len(painters)
    number = 0
    for index, delta, finish in _turns(completion, request, meta.profile):
        number += 1
        if delta is not None:
            billed[index] = (delta.tokens, delta.reasoning_tokens)
        output = painters[index](delta, finish)
        tokens, reasoning = (sum(column) for column in zip(*billed, strict=True))
        yield native_frame(number, b'{"output":%b,"usage":%b%b' % (output, usage(tokens, reasoning), tail))


Turn = tuple[int, Delta | None, bytes]


def _turns(completion: Completion, request: GenerationRequest, profile: Profile) -> Iterator[Turn]:
    """The deltas of all choices in turn; None is the empty one at the end."""
    running = [_deltas(choice, request, profile) for choice in completion.choices]
    while running:
        for deltas in tuple(running):
            turn = next(deltas, None)
            if turn is None:
                running.remove(deltas)
            else:
                yield turn


def _deltas(choice: Choice, request: GenerationRequest, profile: Profile) -> Iterator[Turn]:
    finish = finish_reason(choice, request).encode()
    pending: Delta | None = None
    for delta in walk(choice, profile.native_first_tokens, profile.native_step):
        if pending is not None:
            yield choice.index, pending, RUNNING
        pending = delta
    if pending is not None and pending.kind == "call":
        yield choice.index, pending, finish
        return
    if pending is not None:
        yield choice.index, pending, RUNNING
    yield choice.index, None, finish


Painter = Callable[[Delta | None, bytes], bytes]


def _painter(choice: Choice, request: GenerationRequest, *, several: bool) -> Painter:
    if request.result_format == "text":
        return _paint_text(choice, full=not request.incremental)
    return _paint_message(choice, request, several=several)


def _paint_text(choice: Choice, *, full: bool) -> Painter:
    text = _Escaped(choice.text.text, full=full)

    def paint(delta: Delta | None, finish: bytes) -> bytes:
        return b'{"finish_reason":"%b","text":"%b"}' % (finish, text.take(delta))

    return paint


def _paint_message(choice: Choice, request: GenerationRequest, *, several: bool) -> Painter:
    full = not request.incremental
    text, reasoning = _Escaped(choice.text.text, full=full), _Escaped(choice.reasoning.text, full=full)
    index = b',"index":%d' % choice.index if several or request.tools else b""
    shown = 0

    def paint(delta: Delta | None, finish: bytes) -> bytes:
        nonlocal shown
        kind = delta.kind if delta else ""
        content = text.take(delta if kind == "text" else None)
        extra = b""
        if request.thinking:
            extra = b',"reasoning_content":"%b"' % reasoning.take(delta if kind == "reasoning" else None)
        if delta is not None and kind == "call":
            extra += b',"tool_calls":' + _calls(choice, delta, full=full)
        logprobs = b""
        if choice.logprobs is not None and kind == "text" and delta is not None:
            end = delta.tokens - choice.text_offset
            logprobs = b',"logprobs":' + orjson.dumps({"content": choice.logprobs[shown:end]})
            shown = end
        return b'{"choices":[{"message":{"content":"%b"%b,"role":"assistant"}%b%b,"finish_reason":"%b"}]}' % (
            content,
            extra,
            logprobs,
            index,
            finish,
        )

    return paint


class _Escaped:
    """A text as JSON, taken delta by delta: the new part, or in full mode everything so far."""

    __slots__ = ("_full", "_so_far", "_text")

    def __init__(self, text: str, *, full: bool) -> None:
        self._text = text
        self._full = full
        self._so_far = b""

    def take(self, delta: Delta | None) -> bytes:
        """The escaped text to show with `delta`; None adds nothing."""
        new = b"" if delta is None else escape(self._text[delta.start : delta.end])
        if not self._full:
            return new
        self._so_far += new
        return self._so_far


def escape(text: str) -> bytes:
    """The inside of a JSON string."""
    return orjson.dumps(text)[1:-1]


def _calls(choice: Choice, delta: Delta, *, full: bool) -> bytes:
    if not full:
        return orjson.dumps([_call_delta(delta.call, choice.calls[delta.call], delta)])
    finished = [_whole_call(index, call) for index, call in enumerate(choice.calls[: delta.call])]
    current = choice.calls[delta.call]
    return orjson.dumps([*finished, _whole_call(delta.call, current, current.arguments.text[: delta.end])])


def _call_delta(index: int, call: CallSegment, delta: Delta) -> dict[str, Any]:
    arguments = call.arguments.text[delta.start : delta.end]
    if delta.start == 0:
        return _whole_call(index, call, arguments)
    return {"index": index, "id": "", "type": "function", "function": {"arguments": arguments}}


def _whole_call(index: int, call: CallSegment, arguments: str | None = None) -> dict[str, Any]:
    shown = call.arguments.text if arguments is None else arguments
    return {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": shown}}


# Usage


def _usage(completion: Completion, request: GenerationRequest, profile: Profile) -> Callable[[int, int], bytes]:
    """A function that writes the usage for so many output and reasoning tokens."""
    details = request.thinking or bool(request.tools) or request.search
    kind = request.result_format if not request.stream else "stream-details" if details else "stream"
    layout = profile.native_usage[kind]
    if request.search and "plugins" not in layout:
        layout = (*layout, "plugins") if "prompt_tokens_details" in layout else layout

    def write_usage(output: int, reasoning: int) -> bytes:
        values: dict[str, Any] = {
            "total_tokens": completion.input_tokens + output,
            "input_tokens": completion.input_tokens,
            "output_tokens": output,
            "prompt_tokens_details": {"cached_tokens": 0},
        }
        if request.thinking:
            values["output_tokens_details"] = {"reasoning_tokens": reasoning}
        if request.search:
            values["plugins"] = {"search": {"count": 1, "strategy": "turbo"}}
        return orjson.dumps({key: values[key] for key in layout if key in values})

    return write_usage


# Errors


def write_error(error: ApiError, meta: Meta, *, stream: bool) -> Refusal:
    """A refusal: JSON, or one SSE event where a stream was asked for and the error is of that kind."""
    form = errors.native_form(error.entry, meta.profile)
    said: dict[str, Any] = {"code": form.code, "message": errors.text(form, error.params, meta.profile)}
    if form.type is not None:
        said = {"code": said["code"], "type": form.type, "message": said["message"]}
    body = orjson.dumps(
        {"request_id": meta.request_id, **said} if form.order == "id-first" else {**said, "request_id": meta.request_id}
    )
    if not stream or form.stream == "plain":
        return Refusal(form.status, JSON, body)
    frame = native_error_frame(1, form.status, body)
    return Refusal(200 if form.stream == "event-200" else form.status, SSE, frame)
