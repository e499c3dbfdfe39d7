"""Faults in how the lines of an event stream are written. Most of them are valid by the SSE standard.

Source of what a parser must make of them: WHATWG HTML, 9.2.6, "Interpreting an event stream".
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, cycle

from mockserver.wire.delivery import Delivery, Segment
from mockserver.wire.fault_kind import FaultKind, FaultParams, Param, Setting, chosen, each

BOM = b"\xef\xbb\xbf"
_MIXED = (b"\n", b"\r", b"\r\n")
"""In this order a CR is never followed by an LF that would make one line end of two."""
_FIELD = re.compile(rb"^([^:\r\n]+): ?(?=[^\r\n])", re.MULTILINE)
_DATA = re.compile(rb"^(data: ?)([\[{].*)$", re.MULTILINE)
_DONE = b"[DONE]"
_UNKNOWN = b"x-unknown:1\nlone\n"


def _line_ends(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    if params["style"] == "mixed":
        turn = cycle(_MIXED)
        return each(lambda data: re.sub(rb"\n", lambda _end: next(turn), data))(delivery)
    end = {"crlf": b"\r\n", "cr": b"\r"}[params["style"]]
    return each(lambda data: data.replace(b"\n", end))(delivery)


def _bom(delivery: Delivery, _params: FaultParams, _: Setting) -> Delivery:
    number = count()
    return each(lambda data: data if next(number) else BOM + data)(delivery)


def _comments(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    comment = b": " + params["text"].encode() + b"\n"
    if params["place"] == "fields":
        return each(lambda data: _after_first_line(data, comment))(delivery)

    def commented() -> Iterator[Segment]:
        for segment in delivery.segments:
            yield Segment(comment + b"\n", events=0)
            yield segment

    return replace(delivery, segments=commented())


def _after_first_line(data: bytes, comment: bytes) -> bytes:
    first, end, rest = data.partition(b"\n")
    return first + end + comment + rest


def _extra_blank_lines(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    return each(lambda data: data + b"\n" * params["count"])(delivery)


def _missing_blank_lines(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    if params["event"] is None:
        return each(_without_blank_line)(delivery)
    segments = (
        replace(segment, data=_without_blank_line(segment.data)) if hit else segment
        for segment, hit in chosen(delivery.segments, params["event"])
    )
    return replace(delivery, segments=segments)


def _without_blank_line(data: bytes) -> bytes:
    return data[:-1] if data.endswith(b"\n\n") else data


def _colon_space(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    blanks = b" " * params["spaces"]
    return each(lambda data: _FIELD.sub(lambda line: line[1] + b":" + blanks, data))(delivery)


def _multi_line_data(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    return each(lambda data: _DATA.sub(_broken_up(params["lines"]), data))(delivery)


def _broken_up(lines: int) -> Callable[[re.Match[bytes]], bytes]:
    """One `data` line as several, which a parser joins with LF, where JSON may have a line end."""

    def split(line: re.Match[bytes]) -> bytes:
        prefix, value = line[1], line[2]
        if value == _DONE:
            return line[0]
        cuts = [at for at, _ in zip(_gaps(value), range(lines - 1), strict=False)]
        parts = [value[begin:end] for begin, end in zip([0, *cuts], [*cuts, None], strict=True)]
        return b"\n".join(prefix + part for part in parts)

    return split


def _gaps(value: bytes) -> Iterator[int]:
    """The places in a JSON text behind a bracket, comma or colon that is not inside of a string."""
    in_string = escaped = False
    for at, byte in enumerate(value, start=1):
        if escaped:
            escaped = False
        elif in_string:
            escaped = byte == ord("\\")
            in_string = byte != ord('"')
        elif byte == ord('"'):
            in_string = True
        elif byte in b"{[,:":
            yield at


def _unknown_fields(delivery: Delivery, _params: FaultParams, _: Setting) -> Delivery:
    return each(lambda data: _UNKNOWN + data)(delivery)


KINDS = (
    FaultKind(
        "line-ends",
        "lines",
        "Lines that end with CRLF, with CR, or with LF, CR and CRLF in turn.",
        "行尾为 CRLF、CR，或 LF、CR、CRLF 轮流出现。",
        _line_ends,
        {"style": Param("text", "crlf", "Which line ends.", "行尾样式。", choices=("crlf", "cr", "mixed"))},
        streams_only=True,
    ),
    FaultKind(
        "bom",
        "lines",
        "A byte order mark before the first event, or before the body.",
        "首个事件（或响应体）之前有字节顺序标记（BOM）。",
        _bom,
    ),
    FaultKind(
        "comments",
        "lines",
        "Comment lines, as keep-alives are sent.",
        "出现注释行，类似保活消息。",
        _comments,
        {
            "text": Param(
                "text", "keep-alive", "What they say, in one line.", "注释内容，限一行。", pattern=r"[^\r\n]*"
            ),
            "place": Param(
                "text",
                "block",
                "Before each event with a blank line of its own, or between its fields.",
                "在每个事件之前单独成块，或夹在字段之间。",
                choices=("block", "fields"),
            ),
        },
        streams_only=True,
    ),
    FaultKind(
        "extra-blank-lines",
        "lines",
        "More than one blank line after each event.",
        "每个事件之后有多余的空行。",
        _extra_blank_lines,
        {"count": Param("count", 2, "How many too many.", "多余空行的数量。", minimum=1, maximum=1000)},
        streams_only=True,
    ),
    FaultKind(
        "missing-blank-lines",
        "lines",
        "Events that run into the next one, for want of the blank line.",
        "缺少空行，事件与下一个事件连在一起。",
        _missing_blank_lines,
        {"event": Param("count", None, "Which event, from 1; every one.", "第几个事件；默认全部。", minimum=1)},
        streams_only=True,
    ),
    FaultKind(
        "colon-space",
        "lines",
        "No blank, one or two after the colon of a field.",
        "字段冒号之后没有、有一个或两个空格。",
        _colon_space,
        {"spaces": Param("count", 0, "How many blanks.", "空格数量。", maximum=8)},
        streams_only=True,
    ),
    FaultKind(
        "multi-line-data",
        "lines",
        "The data of an event in several `data` lines.",
        "一个事件的数据分为多个 `data` 行。",
        _multi_line_data,
        {"lines": Param("count", 2, "At most how many.", "最多分成的行数。", minimum=2, maximum=1000)},
        streams_only=True,
    ),
    FaultKind(
        "unknown-fields",
        "lines",
        "Fields that the SSE standard does not have, one of them without a colon.",
        "出现 SSE 标准之外的字段，其中一个没有冒号。",
        _unknown_fields,
        streams_only=True,
    ),
)
