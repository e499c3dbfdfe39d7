import pytest

from mockserver.exchange import Exchange, accepts_gzip, fold_headers
from mockserver.profiles import PROFILES


def exchange(headers: dict[str, str], query: bytes = b"") -> Exchange:
    return Exchange("id", 1, "native", "POST", "/", PROFILES["2026"], headers=headers, query_string=query)


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=nan", False),
        ("gzip;q=high", False),
        ("xgzip", False),
    ],
)
def test_gzip_is_used_only_where_it_is_accepted(accept_encoding: str, accepted: bool) -> None:
    assert accepts_gzip(accept_encoding) is accepted


@pytest.mark.parametrize(
    ("headers", "stream"),
    [
        ({}, False),
        ({"accept": "*/*"}, False),
        ({"accept": "application/json"}, False),
        ({"accept": "text/event-stream"}, True),
        ({"x-dashscope-sse": "enable"}, True),
        ({"x-dashscope-sse": "disable"}, False),
        ({"x-dashscope-sse": "disable", "accept": "application/json"}, False),
        ({"content-type": "text/event-stream"}, True),
    ],
)
def test_either_header_asks_for_a_stream(headers: dict[str, str], stream: bool) -> None:
    assert exchange(headers).asks_for_stream is stream


def test_headers_of_one_name_are_joined() -> None:
    assert fold_headers([(b"a", b"1"), (b"b", b"\xff"), (b"a", b"2")]) == {"a": "1, 2", "b": "ÿ"}


def test_the_first_of_two_query_parameters_counts() -> None:
    assert exchange({}, b"a=1&a=2&b=&c=%E4%BD%A0").query == {"a": "1", "b": "", "c": "你"}
