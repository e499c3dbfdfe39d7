"""The headers of each kind of answer, in the order they had in recorded traffic, names in lower case.

`transfer-encoding: chunked` is the HTTP server's to add; everything else is here. `req-cost-time` is what
passed between arrival and answer; the envoy's share of it was recorded a few milliseconds shorter (native) or
the same (compatible). The service sends no rate-limit headers, no `retry-after` and no `cache-control`.
`x-request-id` was missing in a few old recordings; here every answer has it, because clients rely on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from types import MappingProxyType

from mockserver.profiles import Profile
from mockserver.wire.answer import Headers

CORS = b"Origin,Access-Control-Request-Method,Access-Control-Request-Headers"
JSON = b"application/json"
ENVOY_SHARE_MS = 7
"""Recorded differences between `req-cost-time` and the envoy's own figure: 5 to 10 ms."""


@dataclass(frozen=True, slots=True)
class Head:
    """What headers are made of. Times are in epoch milliseconds; `gzip` is whether the client takes it."""

    request_id: str
    arrived_ms: int
    started_ms: int
    profile: Profile
    gzip: bool = False

    @property
    def id(self) -> tuple[bytes, bytes]:
        """The header whose value every body repeats."""
        return (b"x-request-id", self.request_id.encode())

    def times(self, *, envoy_share: int = 0) -> Headers:
        """The four figures about time."""
        cost = max(0, self.started_ms - self.arrived_ms)
        return [
            (b"req-cost-time", b"%d" % cost),
            (b"req-arrive-time", b"%d" % self.arrived_ms),
            (b"resp-start-time", b"%d" % (self.arrived_ms + cost)),
            (b"x-envoy-upstream-service-time", b"%d" % max(0, cost - envoy_share)),
        ]

    def origin(self) -> Headers:
        """Date and server, the last two."""
        return [(b"date", _date(self.started_ms // 1000)), SERVER]

    def encoding(self) -> Headers:
        """`content-encoding`, if the body is compressed."""
        return [GZIP] if self.gzip else []


@dataclass(frozen=True, slots=True)
class _Era:
    """What a profile's headers have that the other's have not."""

    native_json_vary: bytes
    native_stream_vary: bytes
    timeout: bytes
    finished: bool
    compatible_vary: bytes
    files_type: bytes
    files_date_third: bool


_ERAS: Mapping[str, _Era] = MappingProxyType(
    {
        "2026": _Era(
            native_json_vary=CORS + b", Accept-Encoding",
            native_stream_vary=CORS,
            timeout=b"298",
            finished=True,
            compatible_vary=CORS + b", Accept-Encoding",
            files_type=JSON,
            files_date_third=False,
        ),
        "2024": _Era(
            native_json_vary=b"Accept-Encoding",
            native_stream_vary=b"Accept-Encoding",
            timeout=b"180",
            finished=False,
            compatible_vary=b"Accept-Encoding",
            files_type=b"application/json;charset=UTF-8",
            files_date_third=True,
        ),
    }
)
GATEWAY = (b"x-dashscope-call-gateway", b"true")
GZIP = (b"content-encoding", b"gzip")
SERVER = (b"server", b"istio-envoy")
STREAM = (b"content-type", b"text/event-stream;charset=UTF-8")


def native_json(head: Head, *, timeout: int | None = None) -> Headers:
    """Native, a JSON body (recorded 2025-07). `timeout` is the model's time limit in seconds."""
    era = _ERAS[head.profile.name]
    return [
        (b"vary", era.native_json_vary),
        (b"content-type", JSON),
        head.id,
        GATEWAY,
        *_finished(era, value=b"true"),
        (b"x-dashscope-timeout", b"%d" % timeout if timeout else era.timeout),
        *head.times(envoy_share=ENVOY_SHARE_MS),
        *head.encoding(),
        *head.origin(),
    ]


def native_stream(head: Head, *, timeout: int | None = None, finished: bool = False) -> Headers:
    """Native, a stream (recorded 2026-04). `finished` is a stream that holds nothing but an error."""
    era = _ERAS[head.profile.name]
    return [
        (b"vary", era.native_stream_vary),
        head.id,
        STREAM,
        GATEWAY,
        (b"x-dashscope-timeout", b"%d" % timeout if timeout else era.timeout),
        *_finished(era, value=b"true" if finished else b"false"),
        *head.times(envoy_share=ENVOY_SHARE_MS),
        *(head.encoding() if head.profile.gzip_streams else []),
        *head.origin(),
    ]


def edge_refusal(head: Head) -> Headers:
    """A wrong key, refused at the edge before the gateway (recorded 2024-11; the content type 2026)."""
    cost, arrive, start, envoy = head.times()
    return [
        head.id,
        (b"content-type", JSON),
        envoy,
        *head.encoding(),
        *head.origin(),
        cost,
        arrive,
        start,
        (b"vary", b"Accept-Encoding"),
    ]


def compatible_json(head: Head) -> Headers:
    """Compatible, a JSON body, accepted or refused (recorded 2025-08 and 2025-12)."""
    return [
        (b"vary", _ERAS[head.profile.name].compatible_vary),
        head.id,
        GATEWAY,
        (b"content-type", JSON),
        SERVER,
        *head.times(),
        *head.encoding(),
        (b"date", _date(head.started_ms // 1000)),
    ]


def compatible_stream(head: Head) -> Headers:
    """Compatible, a stream (recorded 2026-05; the charset is spelt as text models do, 2026-03)."""
    return [
        (b"vary", b"Origin"),
        head.id,
        STREAM,
        GATEWAY,
        *head.times(),
        *(head.encoding() if head.profile.gzip_streams else []),
        *head.origin(),
    ]


def files_json(head: Head) -> Headers:
    """The files service of both dialects, a JSON body (recorded 2024-07 and 2025-11)."""
    encoding = [*head.encoding(), (b"vary", b"Accept-Encoding")]
    return _files(head, [(b"content-type", _ERAS[head.profile.name].files_type)], encoding)


def files_deleted(head: Head, length: int) -> Headers:
    """The answer to a DELETE of a file: with its length, never compressed."""
    content_type = (b"content-type", _ERAS[head.profile.name].files_type)
    return _files(head, [content_type, (b"content-length", b"%d" % length)], [])


def file_content(head: Head) -> Headers:
    """The bytes of a file: without a content type (recorded 2026-04)."""
    return _files(head, [], [*head.encoding(), (b"vary", b"Accept-Encoding")])


def empty(head: Head) -> Headers:
    """No body at all: an unknown path."""
    return [head.id, (b"content-length", b"0"), *head.times(), *head.origin()]


def _files(head: Head, content: Headers, encoding: Headers) -> Headers:
    date, server = head.origin()
    if _ERAS[head.profile.name].files_date_third:
        return [head.id, *content[:1], date, *content[1:], *head.times(), *encoding, server]
    return [head.id, *content, *head.times(), *encoding, date, server]


def _finished(era: _Era, *, value: bytes) -> Headers:
    return [(b"x-dashscope-finished", value)] if era.finished else []


@lru_cache(maxsize=8)
def _date(seconds: int) -> bytes:
    return formatdate(seconds, usegmt=True).encode()
