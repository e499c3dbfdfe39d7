import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.wire.answer import Answer, Headers
from mockserver.wire.delivery import (
    Delivery,
    Segment,
    body_bytes,
    compressed,
    delivery_of,
    end_bytes,
    head_bytes,
    head_parts,
    measured,
    with_header,
)

JSON: Headers = [(b"content-type", b"application/json"), (b"x-request-id", b"1")]
SSE: Headers = [(b"content-type", b"text/event-stream;charset=UTF-8")]

frames = st.lists(st.binary(min_size=1, max_size=50), max_size=20)


def whole(delivery: Delivery) -> bytes:
    """The delivery as one string of bytes, as a raw connection carries it."""
    segments = list(delivery.segments)
    body = b"".join(body_bytes(delivery, number, each.data) for number, each in enumerate(segments, 1))
    return head_bytes(delivery) + body + end_bytes(delivery)


@given(frames)
def test_a_delivery_is_the_answer_one_segment_for_each_frame(bodies: list[bytes]) -> None:
    delivery = delivery_of(Answer(200, SSE, iter(bodies)))
    assert delivery.is_stream
    assert not delivery.needs_transport
    assert [segment.data for segment in delivery.segments] == bodies


def test_a_body_is_one_segment_and_no_body_none() -> None:
    assert list(delivery_of(Answer(200, JSON, b"{}")).segments) == [Segment(b"{}")]
    assert list(delivery_of(Answer(404, JSON, b"")).segments) == []


def test_frames_are_made_while_they_are_sent() -> None:
    made = []
    delivery = delivery_of(Answer(200, SSE, (made.append(n) or b"x" for n in range(9))))  # type: ignore[func-returns-value]
    next(iter(delivery.segments))
    assert made == [0]


def test_chunked_framing_as_bytes() -> None:
    assert whole(delivery_of(Answer(200, JSON, b"0123456789"))) == (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: 1\r\n"
        b"transfer-encoding: chunked\r\nconnection: close\r\n\r\na\r\n0123456789\r\n0\r\n\r\n"
    )


def test_a_length_is_that_of_the_body_and_stands_where_it_stood() -> None:
    headers: Headers = [(b"a", b"1"), (b"content-length", b"99"), (b"b", b"2"), (b"connection", b"close")]
    assert whole(measured(delivery_of(Answer(204 + 1, headers, b"abc")))) == (
        b"HTTP/1.1 205 Reset Content\r\na: 1\r\ncontent-length: 3\r\nb: 2\r\nconnection: close\r\n\r\nabc"
    )


def test_a_status_without_a_name_is_written_without_one() -> None:
    assert whole(delivery_of(Answer(799, [], b""))).startswith(b"HTTP/1.1 799 \r\n")


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_that_has_no_body_has_no_framing(status: int) -> None:
    assert whole(delivery_of(Answer(status, [], b""))).endswith(b"\r\nconnection: close\r\n\r\n")


@given(size=st.integers(1, 200))
def test_the_pieces_of_a_head_are_the_head(size: int) -> None:
    delivery = Delivery(200, JSON, (), is_stream=False, head_size=size)
    parts = head_parts(delivery)
    assert b"".join(parts) == head_bytes(delivery)
    assert {len(part) for part in parts[:-1]} <= {size}


@given(frames)
def test_a_compressed_stream_can_be_read_segment_by_segment(bodies: list[bytes]) -> None:
    delivery = compressed(delivery_of(Answer(200, SSE, iter(bodies), gzip=True)))
    reader = zlib.decompressobj(31)
    *events, last = delivery.segments
    assert [reader.decompress(segment.data) for segment in events] == bodies
    assert not last.events
    reader.decompress(last.data)
    assert reader.eof


@given(st.binary(min_size=1))
def test_a_compressed_body_stays_one_segment(body: bytes) -> None:
    (segment,) = compressed(delivery_of(Answer(200, JSON, body, gzip=True))).segments
    assert gzip.decompress(segment.data) == body


def test_a_header_is_replaced_where_it_stands_or_added_at_the_end() -> None:
    headers: Headers = [(b"A", b"1"), (b"b", b"2"), (b"a", b"3")]
    assert with_header(headers, b"a", b"9") == [(b"a", b"9"), (b"b", b"2")]
    assert with_header(headers, b"c", b"9") == [*headers, (b"c", b"9")]
    assert with_header(headers, b"a", None) == [(b"b", b"2")]
