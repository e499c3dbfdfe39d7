"""Requests made by hand over `http.client`: what curl sends, and what clients send that cannot run here."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from mockserver import MockServer

GENERATION = "/api/v1/services/aigc/text-generation/generation"
CHAT = "/compatible-mode/v1/chat/completions"
FILES = "/compatible-mode/v1/files"
FORM = "multipart/form-data; boundary=curl"
TIMEOUT_SECONDS = 20


def form(file: str, filename: str = "x1.txt", tail: str = "") -> bytes:
    """A form with a file and its purpose, as curl writes it. `tail` follows the closing boundary."""
    return (
        f'--curl\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        f"Content-Type: text/plain\r\n\r\n{file}\r\n"
        '--curl\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfile-extract\r\n--curl--\r\n'
        f"{tail}"
    ).encode()


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it left the server, unpacked if it was gzipped. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def is_stream(self) -> bool:
        """Whether it says of itself that it is an event stream."""
        return self.headers.get("content-type", "").startswith("text/event-stream")

    def data(self) -> Iterator[Any]:
        """What the `data` lines of the stream carry, parsed, without `[DONE]`."""
        for line in self.text.split("\n"):
            if line.startswith("data:") and not line.endswith("[DONE]"):
                yield json.loads(line.removeprefix("data:"))


@dataclass(frozen=True, slots=True)
class RawClient:
    """Sends exactly the headers it is told to, besides `Host` and `Content-Length`."""

    server: MockServer
    key: str

    def post(self, path: str, body: Any, **headers: str) -> RawAnswer:
        """POST with the key. `body` is bytes, or is sent as JSON; `X_DashScope_SSE="enable"` is a header."""
        encoded = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **named}
        return self.send("POST", path, encoded, sent)

    def get(self, path: str) -> RawAnswer:
        """GET with the key."""
        return self.send("GET", path, None, {"Authorization": f"Bearer {self.key}"})

    def send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> RawAnswer:
        """One request on a connection of its own."""
        connection = HTTPConnection(self.server.host, self.server.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value.encode())
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            received = response.read()
        finally:
            connection.close()
        named = {name.lower(): value for name, value in response.getheaders()}
        unpacked = gzip.decompress(received) if named.get("content-encoding") == "gzip" else received
        return RawAnswer(response.status, named, unpacked)
