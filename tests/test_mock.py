"""The test's side: what is said before, while and after a server runs, and what is found in the end."""

import asyncio
import json
import threading
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest

from mockserver import FixedClock, Mock, MockServer, Settings, VirtualClock, create_app, mock_of
from mockserver.mock import LOGGED
from mockserver.stubs.stub import StubError
from mockserver.wire.pacing import Pacing

CHAT = "/compatible-mode/v1/chat/completions"


def ask(server: MockServer, question: str = "hello", *, key: str = "sk-test", **more: Any) -> tuple[int, Any]:
    body = {"model": "qwen-plus", "messages": [{"role": "user", "content": question}], **more}
    connection = HTTPConnection(server.host, server.port, timeout=10)
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", CHAT, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def said(answer: tuple[int, Mapping[str, Any]]) -> Any:
    return answer[1]["choices"][0]["message"]["content"]


def test_a_stub_may_be_said_before_the_server_starts_and_while_it_runs() -> None:
    server = MockServer()
    server.on(last_user="before").reply("early")
    with server:
        server.on(last_user="while").reply("late")
        assert said(ask(server, "before")) == "early"
        assert said(ask(server, "while")) == "late"


def test_the_journal_can_be_read_after_the_end_until_the_next_start() -> None:
    server = MockServer()
    with server:
        ask(server)
    assert [record.status for record in server.journal] == [200]
    with server:
        assert server.journal == ()


def test_sessions_never_meet() -> None:
    with MockServer() as server:
        one, other = server.session("one"), server.session("other")
        one.on().reply("mine")
        assert said(ask(server, key=one.api_key)) == "mine"
        assert said(ask(server, key=other.api_key)) != "mine"
        assert (len(one.journal), len(other.journal)) == (1, 1)
        assert server.journal == ()


def test_a_session_has_a_key_that_the_server_accepts() -> None:
    server = MockServer(Settings(api_keys=("sk-only",)))
    assert server.session("any").api_key == "sk-only"


def test_a_stub_that_is_left_over_fails_with_its_name_and_what_is_missing() -> None:
    with MockServer() as server:
        server.on(name="outage").fail("Throttling.RateQuota").times(2)
        ask(server)
        (left,) = server.session().unmet()
        assert left.name == "outage"
        with pytest.raises(AssertionError, match=r'stub-1 "outage" was not used up: 1 more request expected'):
            server.session().assert_consumed()
        ask(server)
        server.session().assert_consumed()


def test_a_breach_of_the_contract_is_not_clean_unless_it_is_allowed() -> None:
    with MockServer() as server:
        ask(server, parameters={"top_p": 0.5})
        with pytest.raises(AssertionError, match=r"parameter\.misplaced at /parameters \(exchange #1\)"):
            server.assert_clean()
        server.assert_clean(violations=False)


def test_behaviour_across_requests_is_not_clean() -> None:
    with MockServer() as server:
        server.on().fail("Throttling.RateQuota", retry_after=30).once().then.reply("ok").once()
        ask(server)
        ask(server)
        assert [finding.code for finding in server.verdict()] == ["retry.after-ignored"]
        with pytest.raises(AssertionError, match=r"retry\.after-ignored \(exchange #1, #2\)"):
            server.assert_clean(violations=False)


def test_a_reset_session_is_as_new() -> None:
    with MockServer() as server:
        server.on().reply("scripted").times(5)
        ask(server)
        server.reset()
        assert server.journal == ()
        assert server.session().unmet() == ()
        assert said(ask(server)) != "scripted"


def test_the_same_seed_gives_the_same_chances() -> None:
    def statuses() -> list[int]:
        server.session().seed(7)
        return [ask(server)[0] for _ in range(12)]

    with MockServer() as server:
        server.on().fail("InternalError").with_probability(0.5)
        first = statuses()
        assert first == statuses()
        assert len(set(first)) == 2


def test_the_wire_log_shows_both_sides_and_cuts_what_is_long() -> None:
    with MockServer() as server:
        server.on(name="long").reply("yes")
        ask(server, "q" * (LOGGED + 100), parameters={"top_p": 0.5})
        log = server.session().wire_log()
    head, request, *_ = log.splitlines()
    assert head == f"#1 POST {CHAT}, stub long"
    assert request.startswith('> {"model": "qwen-plus"')
    assert "characters more" in log
    assert '"content":"yes"' in log
    assert "! parameter.misplaced /parameters" in log


def test_the_wire_log_unpacks_what_was_compressed() -> None:
    with MockServer() as server:
        headers = {"Authorization": "Bearer sk-test", "Accept-Encoding": "gzip"}
        body = {"model": "qwen-plus", "messages": [{"role": "user", "content": "hello"}]}
        server.on().reply("word " * 500)
        answer = httpx.post(server.url + CHAT, headers=headers, json=body, trust_env=False)
        assert "word word" in answer.text
        assert "word word" in server.session().wire_log()


def test_what_is_asked_from_many_threads_is_answered_between_two_requests() -> None:
    failures: list[Exception] = []

    def look() -> None:
        try:
            for number in range(40):
                server.on(last_user=f"never {number}").reply("no")
                assert len(server.journal) <= 40
        except Exception as error:  # noqa: BLE001 - carried to the test's thread
            failures.append(error)

    with MockServer() as server:
        threads = [threading.Thread(target=look) for _ in range(3)]
        for thread in threads:
            thread.start()
        assert {ask(server)[0] for _ in range(40)} == {200}
        for thread in threads:
            thread.join()
        assert len(server.session().unmet()) == 0
    assert not failures


def test_a_function_of_a_stub_may_look_at_the_journal() -> None:
    with MockServer() as server:
        server.on().reply(lambda _view: f"{len(server.journal)} before")
        ask(server)
        assert said(ask(server)) == "1 before"


def test_a_stub_that_cannot_be_is_refused_where_it_is_said() -> None:
    with MockServer() as server, pytest.raises(StubError):
        server.on().fail("No.Such.Error")


def test_the_files_of_a_session_are_seen() -> None:
    with MockServer() as server:
        mock = server.session()
        assert mock.files == ()
        httpx.post(
            f"{mock.compatible_url}/files",
            headers={"Authorization": f"Bearer {mock.api_key}"},
            files={"file": ("a.txt", b"text")},
            data={"purpose": "file-extract"},
            trust_env=False,
        )
        assert len(mock.files) == 1
        mock.reset()
        assert mock.files == ()


def in_process(mock: Mock, app: Any, **more: Any) -> httpx.Response:
    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        headers = {"Authorization": f"Bearer {mock.api_key}"}
        async with httpx.AsyncClient(transport=transport, base_url=mock.compatible_url, headers=headers) as client:
            body = {"model": "qwen-plus", "messages": [{"role": "user", "content": "hi"}], **more}
            return await client.post("/chat/completions", json=body)

    return asyncio.run(call())


def test_an_application_in_process_has_the_same_sessions() -> None:
    app = create_app()
    mock = mock_of(app, "sk-mine")
    mock.on(last_user="hi").reply("in process").once()
    assert in_process(mock, app).json()["choices"][0]["message"]["content"] == "in process"
    mock.assert_clean()
    app.state.services.close()


def test_a_slow_stream_is_over_at_once_with_a_virtual_clock() -> None:
    clock = VirtualClock(1_700_000_000_000)
    app = create_app(clock=clock)
    mock = mock_of(app)
    mock.on(stream=True).reply(chunks=["a", "b"], pacing=Pacing(ttft=60, itl=60))
    assert "[DONE]" in in_process(mock, app, stream=True).text
    assert clock.now_ms() >= 1_700_000_120_000
    app.state.services.close()


def test_the_server_takes_a_clock() -> None:
    with MockServer(clock=FixedClock(1_700_000_000_000)) as server:
        assert ask(server)[1]["created"] == 1_700_000_000
