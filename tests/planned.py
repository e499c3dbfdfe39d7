"""An emulator in this process whose time is virtual and whose answers may be bent, and what a client reads of them."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp

from mockserver import server
from mockserver.api.app import COMPATIBLE, NATIVE, create_app
from mockserver.clock import Ids, VirtualClock
from mockserver.exchange import Services
from mockserver.journal import Journal
from mockserver.server import MockServer
from mockserver.sessions import Session
from mockserver.settings import Settings
from mockserver.stubs.stub import Outcome, ReplySpec, Stub

GENERATION = f"{NATIVE}/services/aigc/text-generation/generation"
CHAT = f"{COMPATIBLE}/chat/completions"
NOW_MS = 1751901115333
KEY = "sk-planned"


class Planned:
    """One emulator and its client. `headers` of a call are added to the key."""

    def __init__(self, **settings: Any) -> None:
        self.clock = VirtualClock(NOW_MS)
        app = create_app(Settings(**settings), clock=self.clock, ids=Ids(1))
        self.services: Services = app.state.services
        self.app: ASGIApp = app

    @property
    def session(self) -> Session:
        """The session of the client's key."""
        return self.services.sessions.open(KEY, self.clock.now_ms())

    @property
    def journal(self) -> Journal:
        """What the client did."""
        return self.session.journal

    def stub(self, *outcomes: Outcome, **fields: Any) -> Stub:
        """Add a stub."""
        stub = Stub(outcomes=outcomes or (Outcome(),), **fields)
        self.session.stubs.add(stub)
        return stub

    def replies(self, **reply: Any) -> None:
        """Add a stub with a reply for every request."""
        self.stub(Outcome(reply=ReplySpec(**reply)))

    def request(
        self, method: str, path: str, *, words: str = "", headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """One request; `words` are its X-Mock header."""
        given = {"authorization": f"Bearer {KEY}", "accept-encoding": "identity", **(headers or {})}
        if words:
            given["x-mock"] = words
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        return asyncio.run(self._request(method, path, headers=raw, **options))

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://mock") as client:
            return await client.request(method, path, **options)

    def chat(
        self, text: Any = "hi", *, words: str = "", headers: Mapping[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        """A compatible question. `fields` are further ones of the body."""
        body = {"model": "qwen-plus", "messages": [{"role": "user", "content": text}], **fields}
        return self.request("POST", CHAT, words=words, headers=headers, json=body)

    def generate(self, text: Any = "hi", *, words: str = "", stream: bool = False, **parameters: Any) -> httpx.Response:
        """A native question in the message format."""
        body = {
            "model": "qwen-plus",
            "input": {"messages": [{"role": "user", "content": text}]},
            "parameters": {"result_format": "message", **parameters},
        }
        headers = {"x-dashscope-sse": "enable"} if stream else {}
        return self.request("POST", GENERATION, words=words, headers=headers, json=body)


@contextmanager
def listening(**settings: Any) -> Iterator[tuple[MockServer, Services]]:
    """A server on a free port, and what its handlers share."""
    made: list[Services] = []

    def make(*given: Any, **named: Any) -> Starlette:
        app = create_app(*given, **named)
        made.append(app.state.services)
        return app

    running = MockServer(Settings(**settings))
    with patch.object(server, "create_app", make):
        running.start()
    try:
        yield running, made[0]
    finally:
        running.stop()


def code_of(response: httpx.Response) -> Any:
    """The code of a refusal in either dialect."""
    document = response.json()
    return document.get("error", document)["code"]


def message_of(response: httpx.Response) -> str:
    """The message of a refusal in either dialect."""
    document = response.json()
    return str(document.get("error", document)["message"])


def said(response: httpx.Response) -> Any:
    """The message of the model in a whole answer of either dialect."""
    document = response.json()
    return document.get("output", document)["choices"][0]["message"]


def data_of(response: httpx.Response) -> list[Any]:
    """The JSON of each event of a stream, without the end marker."""
    lines = [line for line in response.text.split("\n") if line.startswith("data:")]
    return [json.loads(line[5:]) for line in lines if "[DONE]" not in line]
