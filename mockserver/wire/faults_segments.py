"""Faults of segments: in which pieces the body comes, and how slowly."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from mockserver.wire.delivery import Delivery, Segment
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
        return replace(delivery, segments=_cut_at(iter(delivery.segments), places, params["pause"]))
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
    segments = (piece for segment in delivery.segments for piece in _pieces(segment, places(segment.data), pause))
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


def _cut_at(segments: Iterator[Segment], places: list[int], pause: float) -> Iterator[Segment]:
    """Cut at these places of the whole body, and nowhere else: what lies between leaves together."""
    held: list[Segment] = []
    begin = 0
    for place in places:
        size = place - begin
        for segment in segments:
            held.append(segment)
            if sum(len(each.data) for each in held) >= size:
                break
        piece, held = _split(held, size)
        if piece:
            yield replace(_joined(piece), pause=pause, due=piece[0].due)
        begin = place
    held.extend(segments)
    if held:
        yield replace(_joined(held), pause=pause, due=held[0].due)


def _split(segments: list[Segment], size: int) -> tuple[list[Segment], list[Segment]]:
    """The segments of the first so many bytes, and the rest."""
    for number, segment in enumerate(segments):
        if len(segment.data) > size:
            both = _pieces(segment, [size], 0.0) if size else iter((segment,))
            head = [next(both)] if size else []
            return [*segments[:number], *head], [*both, *segments[number + 1 :]]
        size -= len(segment.data)
    return segments, []


def _drip(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    size = params["size"]
    return _cut(delivery, lambda data: list(range(size, len(data), size)), params["every"])


PAUSE = Param("duration", 0.001, "The pause before each segment.", "每个分段之前的停顿。")

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
)
