"""Faults among the events of a stream: one of them broken, missing, out of place, or an error instead of the rest.

The body of an answer that is no stream counts as one event.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from mockserver.wire.delivery import Delivery, Segment
from mockserver.wire.fault import Fault, FaultError
from mockserver.wire.fault_kind import FaultKind, FaultParams, Param, Setting, chosen

_DATA = re.compile(rb"^(data: ?)(.*)$", re.MULTILINE)
_DONE = re.compile(rb"^data: ?\[DONE\]$", re.MULTILINE)
_FINISH = re.compile(rb'"finish_reason": ?"(?!null")')
"""A finish reason that is one: inside a JSON text the quotes would have backslashes before them."""
_FRAME = re.compile(rb".*?\n\n|.+", re.DOTALL)

EVENT = Param("count", 1, "Which event, from 1; the last if there are fewer.", "第几个事件，从 1 开始；不足则为最后一个。", minimum=1)  # fmt: skip # noqa: E501


def _error_frame(delivery: Delivery, params: FaultParams, setting: Setting) -> Delivery:
    if setting.frame is None:
        raise FaultError("The fault 'error-frame' needs a dialect that can say errors; this answer has none.")
    fault = Fault("error-frame", params)
    after = params["after"]

    def cut(segments: Iterable[Segment]) -> Iterator[Segment]:
        number = 0
        for number, segment in enumerate(_first(segments, after), start=1):
            yield segment
        assert setting.frame is not None
        for frame in _FRAME.findall(setting.frame(fault, number + 1)):
            yield Segment(frame)

    return replace(delivery, segments=cut(delivery.segments))


def _first(segments: Iterable[Segment], count: int) -> Iterator[Segment]:
    """At most so many segments; not one more is made."""
    if count:
        for number, segment in enumerate(segments, start=1):
            yield segment
            if number == count:
                return


def _malformed_json(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    return _changed(delivery, params["event"], lambda data: _cut_json(data, stream=delivery.is_stream))


def _changed(delivery: Delivery, event: int, change: Any) -> Delivery:
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
        [segment] * (1 + params["copies"] if hit else 1)
        for segment, hit in chosen(delivery.segments, params["event"])
    )
    return replace(delivery, segments=chain.from_iterable(repeated))


def _reorder(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    def swapped() -> Iterator[Segment]:
        segments = iter(delivery.segments)
        yield from _first(segments, params["event"] - 1)
        pair = list(_first(segments, 2))
        yield from reversed(pair)
        yield from segments

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
        held, found = None, False
        for segment in delivery.segments:
            found = found or _FINISH.search(segment.data) is not None
            if _DONE.search(segment.data):
                if params["done"]:
                    yield segment
            elif not found:
                if held is not None:
                    yield held
                held = segment
        if found and held is not None:
            yield held

    return replace(delivery, segments=unfinished())


def _no_done(delivery: Delivery, _params: FaultParams, _: Setting) -> Delivery:
    return replace(delivery, segments=(each for each in delivery.segments if not _DONE.search(each.data)))
