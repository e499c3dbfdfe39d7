"""The compatible stream: a completion as chunks.

The order of keys differs by a chunk's place in the stream, as recorded in 2026-02: the opening chunk
carries the role and nothing else, the second is one token, the last carries the finish reason; a usage
chunk with no choices and `[DONE]` follow. A stream that begins with a tool call has its role in the first
call.
"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from mockserver.dialects.compatible_answer import completion_id, usage_of
from mockserver.dialects.meta import Meta
from mockserver.engine.chunks import Delta, walk
from mockserver.generation import Choice, Completion, GenerationRequest
from mockserver.profiles import Profile, slicing
from mockserver.wire.sse import compatible_done, compatible_frame


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
        yield frame(b"[]", orjson.dumps(usage_of(completion, request, meta.profile)))
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
    logprobs = _logprobs(choice)
    role, place = b',"role":"assistant"', "running"
    if profile.compatible_role_first and not _begins_with_call(choice):
        yield paint["opening"](_opening(request), b"null")
        role, place = b"", "second"
    for delta in walk(choice, slicing(profile.compatible_chunks, request.model.name, request.tokens_per_chunk)):
        for fields in _fields(choice, request, delta):
            yield paint[place](b"{%b%b}" % (fields, role), logprobs(delta))
            role, place = b"", "running"
    if choice.calls:
        yield _closing_call(choice)
        yield paint["last"](b"{}", b"null")
    else:
        yield paint["last"](b'{"content":""%b%b}' % (_no_reasoning(request), role), b"null")


def _begins_with_call(choice: Choice) -> bool:
    return bool(choice.calls) and not (choice.text.text or choice.reasoning.text)


def _no_reasoning(request: GenerationRequest) -> bytes:
    """What a thinking model says beside its answer."""
    return b',"reasoning_content":null' if request.thinking else b""


def _painter(place: str, choice: Choice, profile: Profile) -> Paint:
    last = orjson.dumps(choice.finish_reason).replace(b"%", b"%%")
    finish = last if place == "last" else profile.compatible_running
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
        yield b'"content":%b%b' % (content, _no_reasoning(request))
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
