"""The pytest plugin: `dashscope_mock`, a session of the emulator for one test.

One server is started in each process of the run, when the first test asks for it; each test has a key, hence a session,
of its own. While the test runs, the clients' environment variables and the dashscope module lead to the emulator. A
stub that is left over fails the test itself and not its teardown; so does a breach of the request contract with
`--dashscope-mock-strict`. A failing test shows what went over the wire.

Nothing of the emulator is imported before the fixture is used.
"""

import os
import re
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mockserver.mock import Mock
    from mockserver.server import MockServer

STRICT = "dashscope_mock_violations"
SECTION = "dashscope-mock"
DASHSCOPE_URL = "https://dashscope.aliyuncs.com/api/v1"
"""Where the dashscope module leads when nobody says otherwise."""
_LONGEST_NAME = 80
_MOCK = pytest.StashKey["Mock"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say what can be set."""
    text = "fail a test that uses dashscope_mock when its client breaks the request contract"
    parser.addini(STRICT, text, type="bool", default=False)
    parser.getgroup(SECTION).addoption("--dashscope-mock-strict", action="store_true", help=text)


@pytest.fixture(scope="session")
def dashscope_mock_server() -> "Iterator[MockServer]":
    """The server of this run. Override it to start one with other settings."""
    from mockserver.server import MockServer  # noqa: PLC0415 - only tests that use the emulator pay for it

    with MockServer() as server:
        yield server


@pytest.fixture
def dashscope_mock(dashscope_mock_server: "MockServer", request: pytest.FixtureRequest) -> "Iterator[Mock]":
    """A fresh session of the emulator, to which the clients are led."""
    mock = dashscope_mock_server.session(session_name(request.node.nodeid))
    mock.reset()
    request.node.stash[_MOCK] = mock
    with _led_to(mock):
        yield mock
    mock.reset()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """After a test that passed: fail it for what its client or its stubs left to mend."""
    result = yield
    mock = item.stash.get(_MOCK, None)
    if mock is not None:
        try:
            _check(mock, strict=item.config.getoption("dashscope_mock_strict") or item.config.getini(STRICT))
        except AssertionError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the wire log of a test that failed."""
    report = yield
    mock = item.stash.get(_MOCK, None)
    if mock is not None and report.failed and report.when == "call":
        log = mock.wire_log()
        if log:
            report.sections.append((SECTION, log))
    return report


def session_name(nodeid: str) -> str:
    """A name for the session of one test: readable, unique, and allowed in a key."""
    readable = re.sub(r"[^a-z0-9]+", "-", nodeid.lower()).strip("-")[-_LONGEST_NAME:]
    return f"{readable}-{blake2b(nodeid.encode(), digest_size=4).hexdigest()}"


def _check(mock: "Mock", *, strict: bool) -> None:
    if strict:
        mock.assert_clean(findings=False)
    else:
        mock.assert_consumed()


def _variables(mock: "Mock") -> dict[str, str]:
    return {
        "DASHSCOPE_API_KEY": mock.api_key,
        "DASHSCOPE_HTTP_BASE_URL": mock.native_url,
        "OPENAI_API_KEY": mock.api_key,
        "OPENAI_BASE_URL": mock.compatible_url,
    }


@contextmanager
def _led_to(mock: "Mock") -> Iterator[None]:
    """Lead the clients to the emulator, and back, even if the test itself is the first to import dashscope."""
    before = sys.modules.get("dashscope")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _variables(mock).items():
            patch.setenv(name, value)
        if before is not None:
            patch.setattr(before, "api_key", mock.api_key)
            patch.setattr(before, "base_http_api_url", mock.native_url)
        yield
    module = sys.modules.get("dashscope")
    if module is not None and before is None:  # it read the variables of the test when it was imported
        vars(module)["api_key"] = os.environ.get("DASHSCOPE_API_KEY")
        vars(module)["base_http_api_url"] = os.environ.get("DASHSCOPE_HTTP_BASE_URL", DASHSCOPE_URL)
