"""Faults among the events of a stream: one of them broken, missing, out of place, or an error instead of the rest.

The body of an answer that is no stream counts as one event.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from mockserver.wire.delivery import Delivery, Segment
from mockserver.wire.fault import Fault, FaultError
from mockserver.wire.fault_kind import FaultKind, FaultParams, Param, Setting, chosen

_DATA = re.compile(rb"^(data: ?)(.*)$", re.MULTILINE)
_DONE = re.compile(rb"^data: ?\[DONE\]$", re.MULTILINE)
_FINISH = re.compile(rb'"finish_reason": ?"(?!null")')
"""A finish reason that is one: inside a JSON text the quotes would have backslashes before them."""
_FRAME = re.compile(rb".*?\n\n|.+", re.DOTALL)

EVENT = Param(
    "count",
    1,
    "Which event, from 1; the last if there are fewer.",
    "第几个事件，从 1 开始；不足时取最后一个。",
    minimum=1,
)


def _error_frame(delivery: Delivery, params: FaultParams, setting: Setting) -> Delivery:
    frame = setting.frame
    if frame is None:
        raise FaultError("The fault 'error-frame' needs a dialect that can say errors; this answer has none.")
    fault = Fault("error-frame", {name: value for name, value in params.items() if value is not None})

    def cut() -> Iterator[Segment]:
        number = 1
        for segment in _first(delivery.segments, params["after"]):
            yield segment
            number += 1
        yield from map(Segment, _FRAME.findall(frame(fault, number)))

    return replace(delivery, segments=cut())


def _first(segments: Iterable[Segment], count: int) -> Iterator[Segment]:
    """At most so many segments; not one more is made."""
    if count:
        for number, segment in enumerate(segments, start=1):
            yield segment
            if number == count:
                return


def _malformed_json(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    return _changed(delivery, params["event"], lambda data: _cut_json(data, stream=delivery.is_stream))


def _changed(delivery: Delivery, event: int, change: Callable[[bytes], bytes]) -> Delivery:
    segments = (
        replace(segment, data=change(segment.data)) if hit else segment
        for segment, hit in chosen(delivery.segments, event)
    )
    return replace(delivery, segments=segments)


def _cut_json(data: bytes, *, stream: bool) -> bytes:
    if not stream:
        return data[: _half(data)]
    return _DATA.sub(lambda line: line[1] + line[2][: _half(line[2])], data)


def _half(data: bytes) -> int:
    """About the middle of some UTF-8, between two characters."""
    middle = len(data) // 2
    while middle and data[middle] & 0xC0 == 0x80:  # noqa: PLR2004 - a continuation byte
        middle -= 1
    return middle


def _truncated_event(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    def cut() -> Iterator[Segment]:
        for segment, hit in chosen(delivery.segments, params["event"]):
            if hit:
                keep = _half(segment.data) if params["keep"] is None else params["keep"]
                yield replace(segment, data=segment.data[:keep], events=0)
                return
            yield segment

    return replace(delivery, segments=cut())


def _garbage(delivery: Delivery, params: FaultParams, setting: Setting) -> Delivery:
    size = params["size"]
    text = params["text"].encode() if size is None else setting.rng.randbytes(size)

    def spoilt() -> Iterator[Segment]:
        segments = iter(delivery.segments)
        yield from _first(segments, params["after"])
        yield Segment(text, events=0)
        yield from segments

    return replace(delivery, segments=spoilt())


def _duplicate(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    repeated = (
        [segment] * (1 + params["copies"] if hit else 1) for segment, hit in chosen(delivery.segments, params["event"])
    )
    return replace(delivery, segments=chain.from_iterable(repeated))


def _reorder(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    def swapped() -> Iterator[Segment]:
        held = None
        for segment, hit in chosen(delivery.segments, params["event"]):
            if hit and held is not None:
                yield segment
                continue
            if held is not None:
                yield held
            held = segment
        if held is not None:
            yield held

    return replace(delivery, segments=swapped())


def _drop(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    def thinned() -> Iterator[Segment]:
        left = 0
        for segment, hit in chosen(delivery.segments, params["event"]):
            left = params["count"] if hit else left
            if left:
                left -= 1
            else:
                yield segment

    return replace(delivery, segments=thinned())


def _no_finish(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    def unfinished() -> Iterator[Segment]:
        held, done, found = None, None, False
        for segment in delivery.segments:
            if _DONE.search(segment.data):
                done = segment
            elif not found:
                if held is not None:
                    yield held
                found = _FINISH.search(segment.data) is not None
                held = None if found else segment
        if params["done"] and done is not None:
            yield done

    return replace(delivery, segments=unfinished())


def _no_done(delivery: Delivery, _params: FaultParams, _: Setting) -> Delivery:
    return replace(delivery, segments=(each for each in delivery.segments if not _DONE.search(each.data)))


KINDS = (
    FaultKind(
        "error-frame",
        "events",
        "The service's own error as an event, and the end of the stream.",
        "流中出现服务自身的错误事件，随后流结束。",
        _error_frame,
        {
            "name": Param("text", "InternalError", "A name of the error catalogue.", "错误目录中的名称。"),
            "after": Param(
                "count", 0, "Events before it; 0: it is the first.", "此前的事件数；0 表示首个事件即为错误。"
            ),
            "leak_native": Param(
                "flag",
                default=False,
                en="In a compatible stream: the native flat frame.",
                zh="在兼容模式流中发送原生扁平错误帧。",
            ),
        },
        streams_only=True,
    ),
    FaultKind(
        "malformed-json",
        "events",
        "One event, or the body, whose JSON breaks off in the middle.",
        "某个事件（或响应体）的 JSON 在中间断开。",
        _malformed_json,
        {"event": EVENT},
    ),
    FaultKind(
        "truncated-event",
        "events",
        "A stream that ends, as HTTP ends, in the middle of an event.",
        "流在某个事件中间正常结束（HTTP 层面完整）。",
        _truncated_event,
        {
            "event": EVENT,
            "keep": Param(
                "size", None, "Bytes of the event that arrive; half of them.", "该事件保留的字节数；默认一半。"
            ),
        },
    ),
    FaultKind(
        "garbage",
        "events",
        "Bytes between two events, or after the body, that belong to nothing.",
        "事件之间（或响应体之后）出现无意义的字节。",
        _garbage,
        {
            "after": Param("count", 1, "Events before it.", "此前的事件数。"),
            "text": Param("text", "<html>502 Bad Gateway</html>\n\n", "What it says.", "垃圾内容的文本。"),
            "size": Param(
                "size",
                None,
                "So many random bytes instead, by the seed.",
                "改为指定数量的随机字节，由种子决定。",
                maximum=1_048_576,
            ),
        },
        one_of=("text", "size"),
    ),
    FaultKind(
        "duplicate",
        "events",
        "One event more than once.",
        "某个事件重复出现。",
        _duplicate,
        {
            "event": EVENT,
            "copies": Param("count", 1, "How many times more.", "额外重复的次数。", minimum=1, maximum=1000),
        },
    ),
    FaultKind(
        "reorder",
        "events",
        "One event before the one it should follow.",
        "某个事件先于其前一个事件到达。",
        _reorder,
        {"event": replace(EVENT, default=2, minimum=2)},
        streams_only=True,
    ),
    FaultKind(
        "drop",
        "events",
        "A stream, or an answer, with events missing.",
        "缺少若干事件。",
        _drop,
        {
            "event": EVENT,
            "count": Param("count", 1, "How many, from there on.", "从该事件起缺少的数量。", minimum=1),
        },
    ),
    FaultKind(
        "no-finish",
        "events",
        "A stream that ends, as HTTP ends, before the event with the finish reason.",
        "流在带结束原因的事件之前正常结束（HTTP 层面完整）。",
        _no_finish,
        {"done": Param("flag", default=False, en="`[DONE]` comes all the same.", zh="仍然发送 `[DONE]`。")},
        streams_only=True,
    ),
    FaultKind(
        "no-done",
        "events",
        "A compatible stream without its `[DONE]`.",
        "兼容模式流缺少 `[DONE]`。",
        _no_done,
        streams_only=True,
    ),
)
