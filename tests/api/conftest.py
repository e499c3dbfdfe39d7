"""The application without a server: one call, one answer."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp
from validated import Validated

from mockserver.api.app import create_app
from mockserver.clock import FixedClock, Ids
from mockserver.exchange import Services
from mockserver.settings import Settings

NOW_MS = 1751901115333
KEY = {"authorization": "Bearer sk-test"}


class Emulator:
    """An application with a clock that stands still, and a client for it. Every answer is judged."""

    def __init__(self, settings: Settings, address: str = "127.0.0.1") -> None:
        self.clock = FixedClock(NOW_MS)
        self.app: Starlette = create_app(settings, clock=self.clock, ids=Ids(1))
        self.services: Services = self.app.state.services
        self.asgi: ASGIApp = Validated(self.app)
        self._address = address

    def __call__(self, method: str, path: str, *, key: str | None = "sk-test", **request: Any) -> httpx.Response:
        """Answer to one request. `key` None sends none."""
        given = {"authorization": f"Bearer {key}"} if key is not None else {}
        headers = {"accept-encoding": "identity", **given, **request.pop("headers", {})}
        return asyncio.run(self._call(method, path, headers=headers, **request))

    async def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.asgi, client=(self._address, 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://mock") as client:
            return await client.request(method, path, **request)


Make = Callable[..., Emulator]


@pytest.fixture
def make() -> Make:
    """Makes an emulator with the settings given."""

    def made(address: str = "127.0.0.1", **settings: Any) -> Emulator:
        return Emulator(Settings(**settings), address)

    return made


@pytest.fixture
def emulator(make: Make) -> Emulator:
    """An emulator with default settings."""
    return make()
