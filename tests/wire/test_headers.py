import pytest

from mockserver.profiles import PROFILES
from mockserver.wire import headers
from mockserver.wire.answer import Headers
from mockserver.wire.headers import Head

ID = "7c8beccf-3e76-9034-95c1-db1f1ab9d6e0"
ARRIVED = 1751901115333
NATIVE_JSON_2025_07 = """\
vary: Origin,Access-Control-Request-Method,Access-Control-Request-Headers, Accept-Encoding
content-type: application/json
x-request-id: 7c8beccf-3e76-9034-95c1-db1f1ab9d6e0
x-dashscope-call-gateway: true
x-dashscope-finished: true
x-dashscope-timeout: 298
req-cost-time: 261
req-arrive-time: 1751901115333
resp-start-time: 1751901115594
x-envoy-upstream-service-time: 254
content-encoding: gzip
date: Mon, 07 Jul 2025 15:11:55 GMT
server: istio-envoy
"""
NATIVE_STREAM_2026_04 = """\
vary: Origin,Access-Control-Request-Method,Access-Control-Request-Headers
x-request-id: 7c8beccf-3e76-9034-95c1-db1f1ab9d6e0
content-type: text/event-stream;charset=UTF-8
x-dashscope-call-gateway: true
x-dashscope-timeout: 298
x-dashscope-finished: false
req-cost-time: 261
req-arrive-time: 1751901115333
resp-start-time: 1751901115594
x-envoy-upstream-service-time: 254
date: Mon, 07 Jul 2025 15:11:55 GMT
server: istio-envoy
"""
COMPATIBLE_JSON_2025_12 = """\
vary: Origin,Access-Control-Request-Method,Access-Control-Request-Headers, Accept-Encoding
x-request-id: 7c8beccf-3e76-9034-95c1-db1f1ab9d6e0
x-dashscope-call-gateway: true
content-type: application/json
server: istio-envoy
req-cost-time: 261
req-arrive-time: 1751901115333
resp-start-time: 1751901115594
x-envoy-upstream-service-time: 261
content-encoding: gzip
date: Mon, 07 Jul 2025 15:11:55 GMT
"""
COMPATIBLE_STREAM_2026_05 = """\
vary: Origin
x-request-id: 7c8beccf-3e76-9034-95c1-db1f1ab9d6e0
content-type: text/event-stream;charset=UTF-8
x-dashscope-call-gateway: true
req-cost-time: 261
req-arrive-time: 1751901115333
resp-start-time: 1751901115594
x-envoy-upstream-service-time: 261
date: Mon, 07 Jul 2025 15:11:55 GMT
server: istio-envoy
"""
FILES_2025_11 = """\
x-request-id: 7c8beccf-3e76-9034-95c1-db1f1ab9d6e0
content-type: application/json
req-cost-time: 261
req-arrive-time: 1751901115333
resp-start-time: 1751901115594
x-envoy-upstream-service-time: 261
content-encoding: gzip
vary: Accept-Encoding
date: Mon, 07 Jul 2025 15:11:55 GMT
server: istio-envoy
"""
FILES_2024_07 = """\
x-request-id: 7c8beccf-3e76-9034-95c1-db1f1ab9d6e0
content-type: application/json;charset=UTF-8
date: Mon, 07 Jul 2025 15:11:55 GMT
req-cost-time: 261
req-arrive-time: 1751901115333
resp-start-time: 1751901115594
x-envoy-upstream-service-time: 261
content-encoding: gzip
vary: Accept-Encoding
server: istio-envoy
"""
EDGE_2024_11 = """\
x-request-id: 7c8beccf-3e76-9034-95c1-db1f1ab9d6e0
content-type: application/json
x-envoy-upstream-service-time: 261
content-encoding: gzip
date: Mon, 07 Jul 2025 15:11:55 GMT
server: istio-envoy
req-cost-time: 261
req-arrive-time: 1751901115333
resp-start-time: 1751901115594
vary: Accept-Encoding
"""


def head(profile: str = "2026", *, gzip: bool = True, cost: int = 261) -> Head:
    return Head(ID, ARRIVED, ARRIVED + cost, PROFILES[profile], gzip)


def text(lines: Headers) -> str:
    return "".join(f"{name.decode()}: {value.decode()}\n" for name, value in lines)


@pytest.mark.parametrize(
    ("lines", "recorded"),
    [
        (headers.native_json(head()), NATIVE_JSON_2025_07),
        (headers.native_stream(head()), NATIVE_STREAM_2026_04),
        (headers.compatible_json(head()), COMPATIBLE_JSON_2025_12),
        (headers.compatible_stream(head()), COMPATIBLE_STREAM_2026_05),
        (headers.files_json(head()), FILES_2025_11),
        (headers.files_json(head("2024")), FILES_2024_07),
        (headers.edge_refusal(head()), EDGE_2024_11),
    ],
)
def test_headers_have_the_recorded_order(lines: Headers, recorded: str) -> None:
    assert text(lines) == recorded


def test_content_encoding_is_there_only_for_a_client_that_takes_gzip() -> None:
    plain = headers.native_json(head(gzip=False))
    assert plain == [line for line in headers.native_json(head()) if line != (b"content-encoding", b"gzip")]


def test_streams_were_compressed_in_2024_and_are_not_now() -> None:
    for stream in (headers.native_stream, headers.compatible_stream):
        assert (b"content-encoding", b"gzip") in stream(head("2024"))
        assert (b"content-encoding", b"gzip") not in stream(head("2026"))


def test_a_stream_of_nothing_but_an_error_is_finished() -> None:
    assert (b"x-dashscope-finished", b"true") in headers.native_stream(head(), finished=True)


def test_a_deletion_has_its_length_after_the_type_and_no_encoding() -> None:
    lines = headers.files_deleted(head(), 72)
    assert lines[1:3] == [(b"content-type", b"application/json"), (b"content-length", b"72")]
    assert not {b"content-encoding", b"vary"} & {name for name, _ in lines}


def test_the_content_of_a_file_has_no_type() -> None:
    assert b"content-type" not in {name for name, _ in headers.file_content(head())}


def test_no_figure_is_negative_when_the_clock_goes_back() -> None:
    lines = dict(headers.native_json(head(cost=-5)))
    assert lines[b"req-cost-time"] == lines[b"x-envoy-upstream-service-time"] == b"0"
    assert lines[b"resp-start-time"] == lines[b"req-arrive-time"]
