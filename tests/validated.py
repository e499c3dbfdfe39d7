"""An ASGI application around another that lets everything pass and judges every answer.

Bodies against the schema of their operation, each event of a stream by itself, refusals against the error
schema of their dialect and against the catalogue, ids against the `x-request-id` header. What breaks the
contract raises `BrokenAnswer` where the application is called: in-process that is the test itself. Behind a
socket it would be lost in the server, so `validated_server` collects it and raises at the end.
"""

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from catalogued import is_catalogued
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver import openapi, openapi_control, schemas, server
from mockserver.api.app import COMPATIBLE, MOCK, NATIVE, create_app
from mockserver.generation import Dialect
from mockserver.server import MockServer
from mockserver.settings import Settings

ROOTS: Mapping[Dialect, str] = {"native": NATIVE, "compatible": COMPATIBLE}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class BrokenAnswer(AssertionError):  # noqa: N818 - says what it is about
    """An answer that the contract does not allow. The text says which and why."""


class Validated:
    """The wrapper. Use it wherever the application goes: `ASGITransport(Validated(create_app(...)))`."""

    def __init__(self, app: ASGIApp, collected: list[BrokenAnswer] | None = None) -> None:
        self._app = app
        self._collected = collected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and judge its answer when it is complete."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = Heard(scope["method"], scope["path"])

        async def listen(message: Message) -> None:
            answer.hear(message)
            await send(message)

        await self._app(scope, receive, listen)
        try:
            answer.judge()
        except BrokenAnswer as broken:
            if self._collected is None:
                raise
            self._collected.append(broken)


@contextmanager
def validated_server(settings: Settings | None = None) -> Iterator[MockServer]:
    """A server on a free port. What it answers is judged; a breach raises when the server stops."""
    collected: list[BrokenAnswer] = []

    def make(*given: Any, **named: Any) -> Validated:
        return Validated(create_app(*given, **named), collected)

    running = MockServer(settings)
    with patch.object(server, "create_app", make):
        running.start()
    try:
        yield running
    finally:
        running.stop()
    if collected:
        raise collected[0]


@dataclass(slots=True)
class Event:
    """One block of a stream: `id`, `event` and `data`, and the comment's status."""

    fields: dict[str, str]
    status: int | None


@dataclass(slots=True)
class Heard:
    """What one answer consisted of. `parts` are the body messages as they were sent."""

    method: str
    path: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)
    ended: bool = False

    def hear(self, message: Message) -> None:
        """Keep one message of the application."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            self.parts.append(message.get("body", b""))
            self.ended = not message.get("more_body", False)

    @property
    def dialect(self) -> Dialect:
        """Whose path it is."""
        return "compatible" if self.path.startswith(COMPATIBLE) else "native"

    @property
    def content_type(self) -> str:
        """Without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0]

    @property
    def body(self) -> bytes:
        """All of it, as the client reads it."""
        whole = b"".join(self.parts)
        return zlib.decompress(whole, 31) if self.headers.get("content-encoding") == "gzip" else whole

    def judge(self) -> None:
        """Hold the answer to the contract."""
        if not self.ended:
            return  # the client left
        if not any(self.path.startswith(f"{root}/") for root in (NATIVE, COMPATIBLE, MOCK)):
            self._require(self.status == 404 and not self.body, "a path of no dialect is 404 without a body")
        elif self.path.startswith(MOCK):
            self._judge_control()
        elif self.content_type == "text/event-stream":
            self._judge_stream()
        else:
            self._judge_document()

    def _judge_control(self) -> None:
        said = json.loads(self.body)
        if self.status >= 400:
            self._require(self.content_type == "application/problem+json", "the control API says problems")
            self._conform("control/problem", said)
            return
        response = find_control(self.method, self.path).response
        if response is not None:
            self._conform(f"control/{response}", said)

    def _judge_document(self) -> None:
        operation = find(self.method, self.path)
        if self.status >= 400:
            self._judge_refusal()
        elif operation is None:
            self._require(condition=False, why="a path that no operation has must be refused")
        elif operation.response is not None:
            self._require(self.content_type == "application/json", "a document is application/json")
            said = self._parsed(self.body)
            self._conform(operation.schema(operation.response), said)
            self._judge_ids(said)

    def _judge_refusal(self) -> None:
        if not self.body:
            self._require("content-type" not in self.headers, "an empty body has no type")
            self._require(self.dialect == "compatible" and self.status == 404, "only a wrong path is empty")
            return
        self._require(self.content_type == "application/json", "a refusal is application/json")
        said = self._parsed(self.body)
        self._conform(f"{self.dialect}/error", said)
        self._judge_error(self.status, said)
        self._judge_ids(said)

    def _judge_error(self, status: int | None, said: Any) -> None:
        error = said.get("error", said)
        known = is_catalogued(self.dialect, status, error.get("code"), error["message"])
        self._require(known, f"no entry of the catalogue says {status} {error}")

    def _judge_stream(self) -> None:
        self._require(self.status == 200 or len(self.parts) == 1, "a stream that is refused is one event")
        gzip = self.headers.get("content-encoding") == "gzip"
        frames = split(self.body) if gzip else [part for part in self.parts if part]
        found = [self._event(frame) for frame in frames]
        self._require(bool(found), "a stream has events")
        count = len(found)
        if self.status == 200 and count > 1 and found[-1].fields.get("data") == "[DONE]":
            self._judge_event(count, found.pop(), last=True)
        for number, event in enumerate(found, 1):
            self._judge_event(number, event, last=number == count, final=number == len(found))

    def _event(self, frame: bytes) -> Event:
        """One body message is one event, complete, in UTF-8."""
        self._require(frame.endswith(b"\n\n") and frame.count(b"\n\n") == 1, f"not one event: {frame!r}")
        self._require(b"\r" not in frame, "lines end with LF")
        lines = self._text(frame).removesuffix("\n\n").split("\n")
        comments = [line for line in lines if line.startswith(":")]
        fields = dict(line.split(":", 1) for line in lines if not line.startswith(":"))
        statuses = [int(line.removeprefix(":HTTP_STATUS/")) for line in comments]
        return Event({key: value.removeprefix(" ") for key, value in fields.items()}, (*statuses, None)[0])

    def _judge_event(self, number: int, event: Event, *, last: bool, final: bool = True) -> None:
        """`last` of all events, or the `final` one before the end marker."""
        self._conform(f"{self.dialect}/sse-event", event.fields)
        data = event.fields["data"]
        if self.dialect == "compatible" and data == "[DONE]":
            self._require(last, "nothing follows [DONE]")
            return
        said = self._parsed(data.encode())
        self._judge_ids(said)
        if "error" in said or "code" in said:
            self._require(final, "nothing but the end marker follows an error")
            self._conform(f"{self.dialect}/stream-error", said)
            told = event.status if self.dialect == "native" or self.status == 200 else self.status
            self._judge_error(told, said)
        elif self.dialect == "native":
            self._require(event.fields["id"] == str(number), "ids count from 1")
            self._require(event.fields["event"] == "result" and event.status == 200, "a result is a result")
            self._conform("native/stream-event", said)
        else:
            self._require(not last, "a compatible stream ends with [DONE]")
            self._conform("compatible/chat-chunk", said)

    def _judge_ids(self, said: Any) -> None:
        """Every id that is a UUID is the one of the header; the gateway's own are of version 9."""
        header = self.headers.get("x-request-id", "")
        version = UUID.fullmatch(header)
        self._require(version is not None, f"x-request-id is {header!r}")
        files = any(find(method, self.path) for method in ("get", "post")) and "/files" in self.path
        self._require(version is not None and version[1] == ("4" if files else "9"), f"version of {header}")
        if "request_id" in said:
            self._require(said["request_id"].removeprefix("chatcmpl-") == header, "request_id is the header's")
        if str(said.get("id", "")).startswith("chatcmpl-"):
            hexadecimal = said["id"].removeprefix("chatcmpl-").replace("-", "")
            self._require(hexadecimal == header.replace("-", ""), "the id is the header's")

    def _text(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise BrokenAnswer(f"{self.method} {self.path}: {error}: {data[:300]!r}") from None

    def _parsed(self, data: bytes) -> Any:
        try:
            return json.loads(self._text(data), parse_constant=refuse_constant)
        except ValueError as error:
            raise BrokenAnswer(f"{self.method} {self.path}: {error}: {data[:300]!r}") from None

    def _conform(self, name: str, said: Any) -> None:
        if not schemas.accepts(name, said):
            reasons = "; ".join(breach.message for breach in schemas.explain(name, said)[:5])
            raise BrokenAnswer(f"{self.method} {self.path} breaks {name}: {reasons}\n{str(said)[:600]}")

    def _require(self, condition: bool, why: str) -> None:
        if not condition:
            raise BrokenAnswer(f"{self.method} {self.path} {self.status}: {why}\n{self.body[:300]!r}")


def refuse_constant(name: str) -> None:
    """NaN and the infinities are no JSON."""
    raise ValueError(name)


def split(body: bytes) -> list[bytes]:
    """A whole stream as its frames."""
    return [frame + b"\n\n" for frame in body.split(b"\n\n") if frame]


def find(method: str, path: str) -> openapi.Operation | None:
    """The operation that a request means."""
    for operation in openapi.OPERATIONS:
        template = re.escape(ROOTS[operation.dialect] + operation.path)
        pattern = re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", template)
        if operation.method == method.lower() and re.fullmatch(pattern, path, re.DOTALL):
            return operation
    return None


def find_control(method: str, path: str) -> openapi_control.Operation:
    """The operation of the control API that a request means. A name may hold slashes."""
    for operation in openapi_control.OPERATIONS:
        pattern = re.sub(r"\\\{[a-z_]+\\\}", ".+", re.escape(openapi_control.ROOT + operation.path))
        if operation.method == method.lower() and re.fullmatch(pattern, path, re.DOTALL):
            return operation
    raise BrokenAnswer(f"{method} {path} is answered, but it is not in the document of the control API")
