"""Faults of segments and of the connection: in which pieces the bytes come, how slowly, and how they end."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import cast

from mockserver.wire.delivery import Delivery, Finish, Segment
from mockserver.wire.fault_kind import FaultKind, FaultParams, Param, Setting

_IN_DATA = re.compile(rb"(?:(?<=[\r\n]da)|(?<=\Ada))(?=ta:)")
_IN_CRLF = re.compile(rb"(?<=\r)(?=\n)")
_IN_UTF8 = re.compile(rb"(?<=[\xc0-\xff])(?=[\x80-\xbf])")
_CUTS = {"in-data": _IN_DATA, "in-utf8": _IN_UTF8, "in-crlf": _IN_CRLF}


def _merge(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    def merged() -> Iterator[Segment]:
        group: list[Segment] = []
        for segment in delivery.segments:
            group.append(segment)
            if len(group) == params["events"]:
                yield _joined(group)
                group = []
        if group:
            yield _joined(group)

    return replace(delivery, segments=merged())


def _joined(group: list[Segment]) -> Segment:
    """One segment of several; it leaves when the last of them would have left."""
    return replace(
        group[-1],
        data=b"".join(segment.data for segment in group),
        events=sum(segment.events for segment in group),
    )


def _segments(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    if params["at"] is not None:
        places = sorted({int(place) for place in params["at"].split(",")})
        return replace(delivery, segments=_cut_at(delivery.segments, places, params["pause"]))
    if params["cut"] is None:
        size = params["size"] or 1
        return _cut(delivery, lambda data: list(range(size, len(data), size)), params["pause"])
    source = delivery
    if params["cut"] == "in-crlf":
        source = replace(delivery, segments=map(_with_crlf, delivery.segments))
    return _cut(source, lambda data: _places(params["cut"], data), params["pause"])


def _with_crlf(segment: Segment) -> Segment:
    data = segment.data if b"\r" in segment.data else segment.data.replace(b"\n", b"\r\n")
    return replace(segment, data=data)


def _places(cut: str, data: bytes) -> list[int]:
    """Where a segment is cut. Of the multi-byte characters only the first is, else a text would take minutes."""
    found = [match.start() for match in _CUTS[cut].finditer(data)]
    return found[:1] if cut == "in-utf8" else found


def _cut(delivery: Delivery, places: Callable[[bytes], list[int]], pause: float) -> Delivery:
    segments = (
        piece for segment in delivery.segments for piece in _pieces(segment, places(segment.data), pause)
    )
    return replace(delivery, segments=segments)


def _pieces(segment: Segment, places: list[int], pause: float) -> Iterator[Segment]:
    """The segment cut at the places. Its events are complete with the last piece, its time is the first's."""
    begins, ends = [0, *places], [*places, len(segment.data)]
    for begin, end in zip(begins, ends, strict=True):
        yield Segment(
            segment.data[begin:end],
            pause=max(pause, segment.pause) if begin == 0 else pause,
            events=segment.events if end == len(segment.data) else 0,
            due=segment.due if begin == 0 else None,
        )


def _cut_at(segments: Iterable[Segment], places: list[int], pause: float) -> Iterator[Segment]:
    """Cut at these places of the whole body, and nowhere else: what lies between leaves together."""
    held, begin, at = b"", 0, 0
    events, due = 0, None
    for segment in segments:
        held, events = held + segment.data, events + segment.events
        due = segment.due if due is None else due
        while at < len(places) and places[at] - begin <= len(held):
            size = places[at] - begin
            piece, held = held[:size], held[size:]
            if piece:
                yield Segment(piece, pause=pause, events=0 if held else events, due=due)
                events = events if held else 0
            begin, at = places[at], at + 1
    if held:
        yield Segment(held, pause=pause, events=events, due=due)


def _drip(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    size = params["size"]
    return _cut(delivery, lambda data: list(range(size, len(data), size)), params["every"])


def _before_headers(finish: Finish) -> Callable[[Delivery, FaultParams, Setting], Delivery]:
    def nothing(delivery: Delivery, _params: FaultParams, _: Setting) -> Delivery:
        return replace(delivery, segments=(), framing="none", finish=finish)

    return nothing


def _after_headers(delivery: Delivery, _params: FaultParams, _: Setting) -> Delivery:
    return replace(delivery, segments=(), finish="rst")


def _ends(finish: Finish) -> Callable[[Delivery, FaultParams, Setting], Delivery]:
    def ended(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
        segments = _until(delivery.segments, params["after"], params["bytes"])
        return replace(delivery, segments=segments, finish=finish)

    return ended


def _until(segments: Iterable[Segment], events: int | None, size: int | None) -> Iterator[Segment]:
    """The segments up to so many events or bytes; one event if neither is given."""
    if size is not None:
        yield from _until_bytes(segments, size)
        return
    left = 1 if events is None else events
    for segment in segments if left else ():
        yield segment
        left -= segment.events
        if left <= 0:
            return


def _until_bytes(segments: Iterable[Segment], size: int) -> Iterator[Segment]:
    for segment in segments if size else ():
        if len(segment.data) >= size:
            whole = len(segment.data) == size
            yield replace(segment, data=segment.data[:size], events=segment.events if whole else 0)
            return
        yield segment
        size -= len(segment.data)


def _stall_before_headers(delivery: Delivery, params: FaultParams, setting: Setting) -> Delivery:
    if params["duration"] is None:
        return _before_headers("stall")(delivery, params, setting)
    return replace(delivery, head_pause=delivery.head_pause + params["duration"])


def _stall(delivery: Delivery, params: FaultParams, setting: Setting) -> Delivery:
    if params["duration"] is None:
        return _ends("stall")(delivery, {**params, "bytes": None}, setting)
    return replace(delivery, segments=_held_up(delivery.segments, params["after"], params["duration"]))


def _held_up(segments: Iterable[Segment], after: int, duration: float) -> Iterator[Segment]:
    """What comes after the stall comes as much later. An empty segment brings the head before it."""
    rest = iter(segments)
    if after == 0:
        yield Segment(b"", events=0)
    for segment in _until(rest, after, None):
        yield segment
    pause = duration
    for segment in rest:
        due = None if segment.due is None else segment.due + duration
        yield replace(segment, pause=max(pause, segment.pause), due=due)
        pause = 0.0
    if pause:
        yield Segment(b"", pause=pause, events=0)


def _short_body(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    return replace(delivery, framing="length", length=params["missing"], finish=cast("Finish", "fin"))


def _slow_headers(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    return replace(delivery, head_size=params["size"], head_every=params["every"])


def _bad_chunk_size(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    return replace(delivery, framing="chunked", bad_chunk=params["segment"])


PAUSE = Param("duration", 0.001, "The pause before each segment.", "每个分段之前的停顿。")
AFTER = Param("count", None, "After so many events; 1.", "在多少个事件之后；默认 1。")
BYTES = Param("size", None, "After so many bytes of the body.", "在响应体的多少字节之后。")
DURATION = Param(
    "duration", None, "For how long; until the client leaves.", "持续多久；默认直到客户端离开。"
)

KINDS = (
    FaultKind(
        "merge",
        "segments",
        "Several events in one segment.",
        "多个事件合并在一个分段中到达。",
        _merge,
        {"events": Param("count", 2, "How many.", "合并的事件数。", minimum=2)},
    ),
    FaultKind(
        "segments",
        "segments",
        "A body in small segments, or in segments cut where it hurts.",
        "响应体被拆成小分段，或在棘手的位置被切开。",
        _segments,
        {
            "size": Param("size", None, "Bytes of each segment; 1.", "每段字节数；默认 1。", minimum=1),
            "cut": Param(
                "text",
                None,
                "Inside the first multi-byte character of each event, inside `data:`, or inside CRLF.",
                "切在每个事件的首个多字节字符内、`data:` 内，或 CRLF 之间。",
                choices=("in-utf8", "in-data", "in-crlf"),
            ),
            "at": Param(
                "text",
                None,
                "Offsets into the body, with commas between them.",
                "响应体内的偏移量，以逗号分隔。",
                pattern=r"\d{1,9}(,\d{1,9})*",
            ),
            "pause": PAUSE,
        },
        one_of=("size", "cut", "at"),
    ),
    FaultKind(
        "drip",
        "segments",
        "A body that drips: so many bytes each so often.",
        "响应体缓慢滴出：每隔一段时间到达若干字节。",
        _drip,
        {
            "size": Param("size", 1, "Bytes of each drop.", "每次的字节数。", minimum=1),
            "every": Param("duration", 0.1, "The time between two.", "两次之间的间隔。"),
        },
    ),
    FaultKind(
        "reset-before-headers",
        "connection",
        "A connection reset instead of an answer.",
        "没有任何回答，连接被重置。",
        _before_headers("rst"),
    ),
    FaultKind(
        "close-before-headers",
        "connection",
        "A connection closed instead of an answer.",
        "没有任何回答，连接被关闭。",
        _before_headers("fin"),
    ),
    FaultKind(
        "reset-after-headers",
        "connection",
        "Status and headers, then a connection reset.",
        "收到状态行和响应头之后连接被重置。",
        _after_headers,
    ),
    FaultKind(
        "reset",
        "connection",
        "A connection reset in the middle of the body.",
        "响应体传输途中连接被重置。",
        _ends("rst"),
        {"after": AFTER, "bytes": BYTES},
        one_of=("after", "bytes"),
    ),
    FaultKind(
        "close",
        "connection",
        "A connection closed in the middle of the body.",
        "响应体传输途中连接被正常关闭（FIN）。",
        _ends("fin"),
        {"after": AFTER, "bytes": BYTES},
        one_of=("after", "bytes"),
    ),
    FaultKind(
        "short-body",
        "connection",
        "A body shorter than its Content-Length, then a closed connection.",
        "响应体短于 Content-Length，随后连接关闭。",
        _short_body,
        {
            "missing": Param(
                "size", 10, "Bytes that never come.", "缺少的字节数。", minimum=1
            )
        },
    ),
    FaultKind(
        "bad-chunk-size",
        "connection",
        "A chunk whose size is no number.",
        "分块大小不是数字。",
        _bad_chunk_size,
        {"segment": Param("count", 1, "Which segment, from 1.", "第几个分段，从 1 开始。", minimum=1)},
    ),
    FaultKind(
        "stall-before-headers",
        "connection",
        "Silence after the request.",
        "请求之后没有任何响应。",
        _stall_before_headers,
        {"duration": DURATION},
    ),
    FaultKind(
        "stall",
        "connection",
        "Silence in the middle of the body, or right after the headers.",
        "响应体中途（或响应头之后）陷入沉默。",
        _stall,
        {
            "after": Param("count", 1, "After so many events.", "在多少个事件之后。"),
            "duration": DURATION,
        },
    ),
    FaultKind(
        "slow-headers",
        "connection",
        "Status and headers that drip.",
        "状态行和响应头缓慢滴出。",
        _slow_headers,
        {
            "size": Param("size", 1, "Bytes of each drop.", "每次的字节数。", minimum=1),
            "every": Param("duration", 0.01, "The time between two.", "两次之间的间隔。"),
        },
    ),
)
