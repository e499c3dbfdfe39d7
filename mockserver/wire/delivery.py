"""An answer on its way out, as pure data: what leaves, in which pieces, when, and how it ends.

    Segment     bytes that leave together: one write, one HTTP chunk, and with a pause before it one TCP segment
    Delivery    status, headers, segments, and everything about them that a fault may bend

Faults are functions from one delivery to another. They wrap the segments lazily, so a stream is still made
while it is sent. Whoever sends (`deliver.py`) asks the delivery for its head and its framing as bytes where
the HTTP server in front cannot be made to write such things itself.
"""

import http
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from mockserver.wire.answer import Answer, Headers
from mockserver.wire.send import GZIP_LEVEL, GZIP_WINDOW

Framing = Literal["chunked", "length", "close", "none"]
"""How the client finds the end of the body; `none`: there is nothing to find, not even a head."""
Finish = Literal["clean", "fin", "rst", "stall"]
"""What follows the last segment: the end HTTP has for it, a FIN or an RST without it, or nothing for ever."""
NO_BODY = frozenset({204, 304})
GZIP_HEADER = 10
INVALID_BLOCK = b"\x07"
"""A deflate block of the reserved type: every decompressor stops at it (RFC 1951, 3.2.3)."""
_FRAMED_BY_US = frozenset({b"content-length", b"transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes that leave together.

    `pause` is the least time in seconds since the segment before, `due` the time from the start before which
    it does not leave, `events` how many events of the answer are complete with it.
    """

    data: bytes
    pause: float = 0.0
    events: int = 1
    due: float | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What leaves. As `delivery_of` makes it, it is exactly the answer.

    `length` is by how much `content-length` exceeds the truth, where it does. The head leaves with the first
    segment, after `head_pause` seconds; in pieces of `head_size` bytes, one each `head_every` seconds, if
    that is set. `prelude` are bytes before the status line, `status_line` replaces the right one. `bad_chunk`
    is the number of the segment whose chunk size is no number.
    """

    status: int
    headers: Headers
    segments: Iterable[Segment]
    is_stream: bool
    gzip: bool = False
    gzip_broken: bool = False
    framing: Framing = "chunked"
    length: int | None = None
    finish: Finish = "clean"
    version: bytes = b"1.1"
    head_pause: float = 0.0
    head_size: int = 0
    head_every: float = 0.0
    prelude: bytes = b""
    status_line: bytes | None = None
    bad_chunk: int | None = None
    idle: tuple[str, ...] = ()
    """Faults that found nothing to act on."""

    @property
    def needs_transport(self) -> bool:
        """Whether an ASGI server would refuse to send this, or cannot be told to."""
        return (
            self.finish in {"fin", "rst"}
            or self.framing in {"close", "none"}
            or self.length is not None
            or self.head_size > 0
            or bool(self.prelude)
            or self.status_line is not None
            or self.bad_chunk is not None
            or not 200 <= self.status < 600  # noqa: PLR2004 - what ASGI servers have status lines for
        )


def delivery_of(answer: Answer) -> Delivery:
    """The answer as it is: one segment for each frame, or one for a body that is not empty."""
    bodies = ([answer.body] if answer.body else []) if isinstance(answer.body, bytes) else answer.body
    return Delivery(
        status=answer.status,
        headers=answer.headers,
        segments=map(Segment, bodies),
        is_stream=any(
            name == b"content-type" and value.startswith(b"text/event-stream") for name, value in answer.headers
        ),
        gzip=answer.gzip,
        framing="length" if header(answer.headers, b"content-length") is not None else "chunked",
    )


def with_last(segments: Iterable[Segment]) -> Iterator[tuple[Segment, bool]]:
    """The segments, each with whether it is the last. Each is made one ahead of its use."""
    held = None
    for segment in segments:
        if held is not None:
            yield held, False
        held = segment
    if held is not None:
        yield held, True


def header(headers: Headers, name: bytes) -> bytes | None:
    """The first value of a header, by its name in lower case."""
    return next((value for each, value in headers if each.lower() == name), None)


def with_header(headers: Headers, name: bytes, value: bytes | None) -> Headers:
    """The headers with one value for `name`, where the first one stood; None leaves it out."""
    at = next((i for i, (each, _) in enumerate(headers) if each.lower() == name), len(headers))
    kept = [line for line in headers if line[0].lower() != name]
    return kept if value is None else [*kept[:at], (name, value), *kept[at:]]


def compressed(delivery: Delivery) -> Delivery:
    """The segments as one gzip stream, each flushed so that a reader gets it at once, if `gzip` says so."""
    if not delivery.gzip:
        return delivery
    segments = _gzipped(delivery.segments) if delivery.is_stream else _gzipped_whole(delivery.segments)
    return replace(delivery, segments=_damaged(segments) if delivery.gzip_broken else segments)


def _gzipped_whole(segments: Iterable[Segment]) -> Iterator[Segment]:
    body = b"".join(segment.data for segment in segments)
    if body:
        yield Segment(zlib.compress(body, GZIP_LEVEL, GZIP_WINDOW))


def _damaged(segments: Iterator[Segment]) -> Iterator[Segment]:
    for first in segments:
        data = first.data[:GZIP_HEADER] + INVALID_BLOCK + first.data[GZIP_HEADER + 1 :]
        yield replace(first, data=data)
        yield from segments


def _gzipped(segments: Iterable[Segment]) -> Iterator[Segment]:
    compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    for segment in segments:
        data = compressor.compress(segment.data) + compressor.flush(zlib.Z_SYNC_FLUSH)
        yield replace(segment, data=data)
    yield Segment(compressor.flush(), events=0)


def measured(delivery: Delivery) -> Delivery:
    """The delivery with its true or claimed length in `content-length`, if its framing is by length.

    To know the length all of the body is made at once; only small answers and faults are framed so.
    """
    if delivery.framing != "length":
        return delivery
    segments = tuple(delivery.segments)
    true_length = sum(len(segment.data) for segment in segments)
    length = true_length if delivery.length is None else true_length + delivery.length
    headers = with_header(delivery.headers, b"content-length", b"%d" % length)
    return replace(delivery, segments=segments, headers=headers)


def head_bytes(delivery: Delivery) -> bytes:
    """The status line and headers, and what framing adds to them. `measured` must have been there before."""
    lines = [delivery.status_line or _status_line(delivery)]
    for name, value in delivery.headers:
        if delivery.framing == "length" or name.lower() not in _FRAMED_BY_US:
            lines.append(name + b": " + value)
    if delivery.framing == "chunked" and delivery.status not in NO_BODY:
        lines.append(b"transfer-encoding: chunked")
    if delivery.finish == "clean" and delivery.framing != "close" and not _says_close(delivery.headers):
        lines.append(b"connection: close")
    return delivery.prelude + b"\r\n".join(lines) + b"\r\n\r\n"


def _status_line(delivery: Delivery) -> bytes:
    try:
        phrase = http.HTTPStatus(delivery.status).phrase.encode()
    except ValueError:
        phrase = b""
    return b"HTTP/%b %d %b" % (delivery.version, delivery.status, phrase)


def _says_close(headers: Headers) -> bool:
    return (header(headers, b"connection") or b"").lower() == b"close"


def head_parts(delivery: Delivery) -> list[bytes]:
    """The head in the pieces in which it leaves."""
    head = head_bytes(delivery)
    size = delivery.head_size or len(head)
    return [head[at : at + size] for at in range(0, len(head), size)]


def body_bytes(delivery: Delivery, number: int, data: bytes) -> bytes:
    """Segment `number` (from 1) in its framing."""
    if delivery.framing != "chunked" or delivery.status in NO_BODY:
        return data
    size = b"zz" if number == delivery.bad_chunk else b"%x" % len(data)
    return size + b"\r\n" + data + b"\r\n"


def end_bytes(delivery: Delivery) -> bytes:
    """What ends the body."""
    ends = delivery.framing == "chunked" and delivery.finish == "clean" and delivery.status not in NO_BODY
    return b"0\r\n\r\n" if ends else b""
