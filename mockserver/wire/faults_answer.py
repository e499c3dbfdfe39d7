"""Faults of an answer as a whole: its status, its headers, its compression, its version of HTTP."""

from dataclasses import replace

from mockserver.wire.answer import Headers
from mockserver.wire.delivery import Delivery, Segment, with_header
from mockserver.wire.fault_kind import FaultKind, FaultParams, Param, Setting

PADDING = b"x-padding"
VALUE = r"[\t\x20-\x7e\x80-\xff]*"
"""What a header's value may be made of."""
_INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "103": b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n",
}


def _http_status(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    body = params["body"].encode()
    headers = with_header(delivery.headers, b"content-encoding", None)
    headers = with_header(headers, b"content-type", params["type"].encode() or None)
    headers = with_header(headers, b"content-length", b"%d" % len(body))
    for name, value in header_lines(params["headers"]):
        headers = with_header(headers, name, value)
    return replace(
        delivery,
        status=params["status"],
        headers=headers,
        segments=(Segment(body),) if body else (),
        framing="length",
        gzip=False,
        is_stream=False,
    )


def header_lines(text: str) -> Headers:
    """Headers from lines of `name: value`."""
    lines = [line.partition(":") for line in text.splitlines() if line.strip()]
    return [(name.strip().lower().encode(), value.strip().encode("latin-1")) for name, _, value in lines]


def _content_type(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    value = params["type"].encode("latin-1") or None
    return replace(delivery, headers=with_header(delivery.headers, b"content-type", value))


def _gzip(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    is_on = params["mode"] != "off"
    headers = with_header(delivery.headers, b"content-encoding", b"gzip" if is_on else None)
    return replace(delivery, headers=headers, gzip=is_on, gzip_broken=params["mode"] == "broken")


def _http10(delivery: Delivery, _params: FaultParams, _: Setting) -> Delivery:
    return replace(delivery, version=b"1.0", framing="close")


def _connection_close(delivery: Delivery, _params: FaultParams, _: Setting) -> Delivery:
    return replace(delivery, headers=with_header(delivery.headers, b"connection", b"close"))


def _interim(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    return replace(delivery, prelude=delivery.prelude + _INTERIM[params["status"]])


def _bad_status_line(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    return replace(delivery, status_line=params["line"].encode())


def _huge_headers(delivery: Delivery, params: FaultParams, _: Setting) -> Delivery:
    return replace(delivery, headers=[*delivery.headers, (PADDING, b"x" * params["size"])])


KINDS = (
    FaultKind(
        "http-status",
        "answer",
        "This HTTP status with this body instead of the answer.",
        "以指定的 HTTP 状态码和响应体代替正常回答。",
        _http_status,
        {
            "status": Param("count", 500, "The status.", "状态码。", minimum=100, maximum=999),
            "body": Param("text", "", "The body, as it is.", "响应体，原样发送。"),
            "type": Param(
                "text",
                "text/plain",
                "Its content type; empty: none.",
                "内容类型；留空则不发送该响应头。",
                pattern=VALUE,
            ),
            "headers": Param(
                "text",
                "",
                "Further headers, one `name: value` in a line.",
                "其他响应头，每行一个 `名称: 值`。",
                pattern=r"(?:\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*(?:\r?\n|\Z))*\s*",
            ),
        },
    ),
    FaultKind(
        "content-type",
        "answer",
        "The right body under another content type, or under none.",
        "响应体正确，但内容类型被替换或缺失。",
        _content_type,
        {
            "type": Param(
                "text",
                "application/json",
                "The content type; empty: none.",
                "内容类型；留空则不发送该响应头。",
                pattern=VALUE,
            )
        },
    ),
    FaultKind(
        "gzip",
        "answer",
        "A body compressed unasked, not compressed though asked for, or compressed and damaged.",
        "未请求却压缩、请求了却不压缩，或压缩数据已损坏的响应体。",
        _gzip,
        {
            "mode": Param(
                "text",
                "on",
                "Compressed, plain, or said to be compressed and damaged.",
                "压缩、不压缩，或压缩但损坏。",
                choices=("on", "off", "broken"),
            )
        },
    ),
    FaultKind(
        "http10",
        "answer",
        "An answer of HTTP/1.0, whose body ends with the connection.",
        "HTTP/1.0 回答，响应体以连接关闭为结束。",
        _http10,
    ),
    FaultKind(
        "connection-close",
        "answer",
        "`connection: close`, and the connection closed after the answer.",
        "带 `connection: close`，回答结束后连接关闭。",
        _connection_close,
    ),
    FaultKind(
        "interim",
        "answer",
        "An interim answer before the real one.",
        "正式回答之前先收到一个临时响应。",
        _interim,
        {
            "status": Param(
                "text", "103", "Which: 100 Continue or 103 Early Hints.", "100 或 103。", choices=("100", "103")
            )
        },
    ),
    FaultKind(
        "bad-status-line",
        "answer",
        "A status line that is none.",
        "无法解析的状态行。",
        _bad_status_line,
        {"line": Param("text", "ICY 200 OK", "What stands in its place.", "代替状态行的内容。", pattern=r"[^\r\n]+")},
    ),
    FaultKind(
        "huge-headers",
        "answer",
        "One header more, of this size.",
        "多出一个指定大小的响应头。",
        _huge_headers,
        {"size": Param("size", 65_536, "Bytes of its value.", "该响应头值的字节数。", minimum=1, maximum=16_777_216)},
    ),
)
