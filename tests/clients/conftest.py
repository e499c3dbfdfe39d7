"""One server for all client tests; each test has a key, hence a session, of its own."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import dashscope
import pytest
from openai import OpenAI
from validated import validated_server

from clients.raw import RawClient
from clients.samples import DOCUMENT, Sdk
from mockserver import MockServer


@pytest.fixture(scope="session")
def server() -> Iterator[MockServer]:
    """Every answer that any client gets is held against its schema, too."""
    with validated_server() as running:
        yield running
        dashscope.close_shared_sync_session()


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own keys, base URLs and proxies must not reach the clients."""
    for name in os.environ:
        if name.startswith(("DASHSCOPE_", "OPENAI_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def key(server: MockServer, request: pytest.FixtureRequest) -> str:
    return server.api_key(re.sub(r"[^a-z0-9]+", "-", request.node.nodeid.lower()))


@pytest.fixture
def sdk(server: MockServer, key: str, monkeypatch: pytest.MonkeyPatch) -> Sdk:
    """The dashscope module, set up as its documentation says: a base address and a key."""
    monkeypatch.setattr(dashscope, "base_http_api_url", server.native_url)
    monkeypatch.setattr(dashscope, "api_key", key)
    return dashscope


@pytest.fixture
def openai_client(server: MockServer, key: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.compatible_url, api_key=key, max_retries=0) as client:
        yield client


@pytest.fixture
def raw(server: MockServer, key: str) -> RawClient:
    return RawClient(server, key)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "x1.txt"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path
