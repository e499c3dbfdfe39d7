"""The native stream: a completion as events.

An event is a constant frame around what moves: the text since the last event (incremental) or from the
beginning (full), the finish reason, and the tokens so far. Texts are escaped once, delta by delta; in full
mode the escaped parts are collected, and an event copies what there is so far into its frame and does no
more work than that.

The last delta of text is followed by an event without text that carries the finish reason; a tool call
carries it in its own last event (recorded 2024 to 2026).
"""

from collections.abc import Callable, Iterator

import orjson

from mockserver.dialects.meta import Meta
from mockserver.dialects.native_answer import finish_reason, usage_writer
from mockserver.engine.chunks import Delta, walk
from mockserver.generation import CallSegment, Choice, Completion, GenerationRequest
from mockserver.profiles import Profile, slicing
from mockserver.wire.sse import native_frame

RUNNING = b"null"
"""A choice that goes on has the string "null" as its finish reason."""


def write_stream(completion: Completion, request: GenerationRequest, meta: Meta) -> Iterator[bytes]:
    """The events of a stream, framed. Choices take turns."""
    usage = usage_writer(completion, request, meta.profile)
    tail = b',"request_id":"%b"}' % meta.request_id.encode()
    painters = [_painter(choice, request, meta.profile) for choice in completion.choices]
    billed = [(0, 0)] * len(painters)
    for number, (index, delta, finish) in enumerate(_turns(completion, request, meta.profile), start=1):
        if delta is not None:
            billed[index] = (delta.tokens, delta.reasoning_tokens)
        tokens, reasoning = (sum(column) for column in zip(*billed, strict=True))
        output = painters[index](delta, finish)
        data = b"".join((b'{"output":', *output, b',"usage":', usage(tokens, reasoning), tail))
        yield native_frame(number, data)


Turn = tuple[int, Delta | None, bytes]
"""The index of a choice, what it adds, its finish reason."""


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
    finish = orjson.dumps(finish_reason(choice, request))[1:-1]
    pending: Delta | None = None
    for delta in walk(choice, slicing(profile.native_chunks, request.model.name, request.tokens_per_chunk)):
        if pending is not None:
            yield choice.index, pending, RUNNING
        pending = delta
    if pending is not None and pending.kind == "call":
        yield choice.index, pending, finish
        return
    if pending is not None:
        yield choice.index, pending, RUNNING
    yield choice.index, None, finish


Part = bytes | bytearray
Painter = Callable[[Delta | None, bytes], tuple[Part, ...]]
"""Writes `output` around a delta and a finish reason, in parts that are yet to be joined."""


def _painter(choice: Choice, request: GenerationRequest, profile: Profile) -> Painter:
    if request.result_format == "text":
        return _text_painter(choice, full=not request.incremental)
    several = request.n > 1 or (bool(request.tools) and profile.native_tool_index)
    return _Message(choice, request, b',"index":%d' % choice.index if several else b"").paint


def _text_painter(choice: Choice, *, full: bool) -> Painter:
    text = _Escaped(choice.text.text, full=full)

    def paint(delta: Delta | None, finish: bytes) -> tuple[Part, ...]:
        return b'{"finish_reason":"', finish, b'","text":"', text.take(delta), b'"}'

    return paint


class _Message:
    """One choice of the message format, painted delta by delta."""

    def __init__(self, choice: Choice, request: GenerationRequest, index: bytes) -> None:
        self._full = not request.incremental
        self._thinking = request.thinking
        self._text = _Escaped(choice.text.text, full=self._full)
        self._reasoning = _Escaped(choice.reasoning.text, full=self._full)
        self._calls = _Calls(choice.calls, full=self._full)
        self._choice = choice
        self._index = index
        self._shown = 0

    def paint(self, delta: Delta | None, finish: bytes) -> tuple[Part, ...]:
        """`output` with what the delta adds; None adds nothing."""
        kind = delta.kind if delta else ""
        return (
            b'{"choices":[{"message":{"content":"',
            self._text.take(delta if kind == "text" else None),
            b'"',
            *self._reasoned(delta if kind == "reasoning" else None),
            *self._calls.take(delta if kind == "call" else None),
            b',"role":"assistant"}',
            self._logprobs(delta if kind == "text" else None),
            self._index,
            b',"finish_reason":"%b"}]}' % finish,
        )

    def _reasoned(self, delta: Delta | None) -> tuple[Part, ...]:
        """A thinking model has the key in every event, the answer's too."""
        if not self._thinking:
            return ()
        return b',"reasoning_content":"', self._reasoning.take(delta), b'"'

    def _logprobs(self, delta: Delta | None) -> bytes:
        """The logprobs of the tokens that belong to the text of this event."""
        logprobs, start = self._choice.logprobs, 0 if self._full else self._shown
        if logprobs is None or (delta is None and not self._full):
            return b""
        if delta is not None:
            self._shown = delta.tokens - self._choice.text_offset
        return b',"logprobs":' + orjson.dumps({"content": logprobs[start : self._shown]})


class _Calls:
    """Tool calls, taken delta by delta: the new part of one, or in full mode all calls so far."""

    def __init__(self, calls: tuple[CallSegment, ...], *, full: bool) -> None:
        self._heads = [_call_head(index, call) for index, call in enumerate(calls)]
        self._arguments = [_Escaped(call.arguments.text, full=full) for call in calls]
        self._full = full

    def take(self, delta: Delta | None) -> tuple[Part, ...]:
        """`tool_calls` as a further key of a message; nothing before the first call."""
        if delta is None:
            return ()
        new = self._arguments[delta.call].take(delta)
        if self._full:
            return b',"tool_calls":[', *self._all(delta.call + 1), b"]"
        head = self._heads[delta.call] if delta.start == 0 else _later_head(delta.call)
        return b',"tool_calls":[', head, new, b'"}}]'

    def _all(self, number: int) -> Iterator[Part]:
        for index in range(number):
            yield b"," if index else b""
            yield self._heads[index]
            yield self._arguments[index].take(None)
            yield b'"}}'


def _call_head(index: int, call: CallSegment) -> bytes:
    return b'{"index":%d,"id":%b,"type":"function","function":{"name":%b,"arguments":"' % (
        index,
        orjson.dumps(call.id),
        orjson.dumps(call.name),
    )


def _later_head(index: int) -> bytes:
    """Only the first delta of a call says its id and its name."""
    return b'{"index":%d,"id":"","type":"function","function":{"arguments":"' % index


class _Escaped:
    """A text as JSON, taken delta by delta: the new part, or in full mode everything so far.

    What `take` returns in full mode grows with the next call: it is to be copied at once.
    """

    __slots__ = ("_full", "_so_far", "_text")

    def __init__(self, text: str, *, full: bool) -> None:
        self._text = text
        self._full = full
        self._so_far = bytearray()

    def take(self, delta: Delta | None) -> Part:
        """The escaped text to show with `delta`; None adds nothing."""
        new = b"" if delta is None else orjson.dumps(self._text[delta.start : delta.end])[1:-1]
        if not self._full:
            return new
        self._so_far += new
        return self._so_far
