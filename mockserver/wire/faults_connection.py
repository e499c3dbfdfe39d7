"""Faults of the connection: how late an answer begins, where it breaks off, and how it ends."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from mockserver.wire.delivery import Delivery, Finish, Segment
from mockserver.wire.fault_kind import FaultKind, FaultParams, Param, Setting


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
    return replace(delivery, framing="length", length=params["missing"], finish="fin")


def _slow_headers(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    return replace(delivery, head_size=params["size"], head_every=params["every"])


def _bad_chunk_size(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    return replace(delivery, framing="chunked", bad_chunk=params["segment"])


AFTER = Param("count", None, "After so many events; 1.", "在多少个事件之后；默认 1。")
BYTES = Param("size", None, "After so many bytes of the body.", "在响应体的多少字节之后。")
DURATION = Param("duration", None, "For how long; until the client leaves.", "持续多久；默认直到客户端离开。")

KINDS = (
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
        {"missing": Param("size", 10, "Bytes that never come.", "缺少的字节数。", minimum=1)},
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
