"""The emulator in this process, called as if it were a function: no socket, and every answer is judged."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from starlette.types import ASGIApp
from validated import Validated

from mockserver.api.app import COMPATIBLE, NATIVE, create_app
from mockserver.settings import Settings

GENERATION = f"{NATIVE}/services/aigc/text-generation/generation"
CHAT = f"{COMPATIBLE}/chat/completions"
SSE = {"X-DashScope-SSE": "enable"}
KEY = {"Authorization": "Bearer sk-test"}


class InProcess:
    """A client of one application. `headers` of a call are added to the key, or replace it."""

    def __init__(self, app: ASGIApp, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://emulator.test", headers=KEY)

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Any request, with the options of httpx."""
        return self._runner.run(self.http.request(method, url, **options))

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """A JSON body; bytes are sent as they are."""
        given = {"content": body} if isinstance(body, bytes) else {"json": body}
        return self.request("POST", path, headers=headers, **given)


@contextmanager
def in_process(settings: Settings | None = None, *, judged: bool = True) -> Iterator[InProcess]:
    """A fresh emulator and its client. Answers that are bent on purpose are not `judged`."""
    app = create_app(settings)
    with asyncio.Runner() as runner:
        client = InProcess(Validated(app) if judged else app, runner)
        try:
            yield client
        finally:
            runner.run(client.http.aclose())
            app.state.services.close()
