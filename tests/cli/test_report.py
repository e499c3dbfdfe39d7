"""`dashscope-mock report`: the verdict of a running server and its exit code."""

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mockserver.cli import main
from mockserver.cli.report import as_junit, as_text
from mockserver.cli.style import Style
from mockserver.server import MockServer

GENERATION = "/api/v1/services/aigc/text-generation/generation"
GOOD = {"model": "qwen-plus", "input": {"prompt": "hi"}}
MISPLACED = {**GOOD, "result_format": "message"}
PLAIN = Style(color=False)


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer() as running:
        yield running


def ask(server: MockServer, body: Any, key: str = "sk-test") -> None:
    connection = HTTPConnection(server.host, server.port)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", GENERATION, json.dumps(body), headers)
    connection.getresponse().read()
    connection.close()


def test_a_clean_server_is_exit_code_0(server: MockServer, capsys: pytest.CaptureFixture[str]) -> None:
    ask(server, GOOD)
    assert main(["report", "--url", server.url]) == 0
    assert capsys.readouterr().out == "clean: 1 request in 1 session, nothing to say.\n"


def test_what_is_wrong_is_said_and_is_exit_code_1(server: MockServer, capsys: pytest.CaptureFixture[str]) -> None:
    ask(server, MISPLACED)
    ask(server, GOOD, "sk-good")
    assert main(["report", "--url", f"{server.url}/"]) == 1
    shown = capsys.readouterr().out
    assert "parameter.misplaced  result_format stands at the top" in shown
    assert shown.splitlines()[-1].startswith("1 problem: 2 requests in 2 sessions.")
    assert main(["report", "--url", server.url, "--key", "sk-good"]) == 0


def test_json_is_what_the_server_says(server: MockServer, capsys: pytest.CaptureFixture[str]) -> None:
    ask(server, MISPLACED)
    assert main(["report", "--url", server.url, "--format", "json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["sessions"][0]["violations"][0]["code"] == "parameter.misplaced"


def test_junit_has_a_failure_for_each_code_and_a_passed_case_for_a_clean_session(
    server: MockServer, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(server, MISPLACED)
    ask(server, GOOD, "sk-good")
    assert main(["report", "--url", server.url, "--format", "junit"]) == 1
    bad, good = ET.fromstring(capsys.readouterr().out)  # noqa: S314 - our own
    assert (bad.get("tests"), bad.get("failures"), good.get("failures")) == ("1", "1", "0")
    failure = bad.find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "parameter.misplaced"
    assert [case.get("name") for case in good] == ["clean"]


@pytest.mark.parametrize("key", ["sk-misspelt", "no-key"])
def test_a_key_that_has_no_session_is_exit_code_2(
    server: MockServer, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    assert main(["report", "--url", server.url, "--key", key]) == 2
    assert "session" in capsys.readouterr().err


def test_a_server_that_is_not_there_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert main(["report", "--url", url]) == 2
    assert capsys.readouterr().err.startswith(f"dashscope-mock: Cannot reach {url}")


@pytest.mark.parametrize("url", ["127.0.0.1:8787", "file:///etc/passwd", "http://", "http://[", "http://a b"])
def test_an_address_that_is_none_is_exit_code_2(capsys: pytest.CaptureFixture[str], url: str) -> None:
    assert main(["report", "--url", url]) == 2
    assert capsys.readouterr().err.startswith("dashscope-mock: ")


def said_of(message: str) -> dict[str, Any]:
    finding = {"code": "retry.storm", "records": [*range(1, 30)], "message": message}
    session = {"api_key": "sk-***", "requests": 30, "findings": [finding], "violations": []}
    return {"clean": False, "requests": 30, "sessions": [session]}


def test_what_xml_cannot_hold_is_replaced() -> None:
    text = as_junit(said_of("a\x00b\x1bc <&> \ud800 天气"), PLAIN)
    (suite,) = ET.fromstring(text)  # noqa: S314 - our own
    assert suite.findall(".//failure")[0].get("message") == "a\ufffdb\ufffdc <&> \ufffd 天气"


def test_a_long_list_of_records_is_cut_for_people() -> None:
    assert "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...]" in as_text(said_of("often"), PLAIN)
