"""What the tests with bad input share: how the emulator is set up for them, and what they may never see."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from in_process import CHAT, GENERATION, InProcess, in_process

from mockserver.settings import MEBIBYTE, Settings

BOTH = pytest.mark.parametrize("path", [GENERATION, CHAT])
PATIENCE = 5.0
"""Seconds: far above what any of these takes, far below what a runaway takes."""


@pytest.fixture(scope="module")
def client() -> Iterator[InProcess]:
    """An emulator with small limits."""
    with in_process(Settings(max_body_bytes=4 * MEBIBYTE, max_upload_bytes=MEBIBYTE)) as client:
        yield client


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No traceback, no error in the log, no long wait."""
    started = time.monotonic()
    yield
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
    assert time.monotonic() - started < PATIENCE


def question(content: Any, **parameters: Any) -> dict[str, Any]:
    """A body that both dialects read: each ignores the other's fields."""
    messages = [{"role": "user", "content": content}]
    return {
        "model": "qwen-turbo",
        "messages": messages,
        "input": {"messages": messages},
        "parameters": parameters,
        **parameters,
    }


def code(response: Any) -> Any:
    """The code of a refusal in either dialect."""
    said = response.json()
    return said.get("code") or said["error"].get("code")
