from hypothesis import given
from hypothesis import strategies as st

from mockserver.wire import sse

lines = st.binary().filter(lambda data: not {10, 13} & set(data))


def test_a_native_frame_has_id_event_status_comment_and_data_without_blanks() -> None:
    assert sse.native_frame(7, b'{"a":1}') == b'id:7\nevent:result\n:HTTP_STATUS/200\ndata:{"a":1}\n\n'


def test_a_native_error_frame_names_the_status_of_the_error() -> None:
    assert sse.native_error_frame(1, 429, b"{}") == b"id:1\nevent:error\n:HTTP_STATUS/429\ndata:{}\n\n"


def test_a_compatible_frame_is_one_data_line() -> None:
    assert sse.compatible_frame(b"{}") == b"data: {}\n\n"
    assert sse.compatible_frame(b"{}", prefix=b"data:") == b"data:{}\n\n"


def test_a_compatible_stream_ends_with_done() -> None:
    assert sse.compatible_done() == b"data: [DONE]\n\n"


@given(number=st.integers(1, 10**6), data=lines)
def test_every_frame_ends_with_the_only_blank_line_and_has_no_carriage_return(number: int, data: bytes) -> None:
    for frame in (
        sse.native_frame(number, data),
        sse.native_error_frame(number, 400, data),
        sse.compatible_frame(data),
    ):
        assert frame.endswith(data + b"\n\n")
        assert frame.count(b"\n\n") == 1
        assert b"\r" not in frame
