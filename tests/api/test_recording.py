"""Every exchange is in the journal before its last byte leaves, with what it broke and how it ended."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from zlib import crc32

import pytest
from planned import CHAT, GENERATION, KEY, NOW_MS, Planned, data_of, listening
from starlette.types import Message, Receive, Scope, Send

from mockserver import MockServer
from mockserver.exchange import Services
from mockserver.journal import Journal, Record
from mockserver.stubs.stub import Outcome, ReplySpec
from mockserver.verdict import verdict
from mockserver.wire.fault import Fault

TEXT = ("Once upon a time ", "there was a mountain ", "and on it a temple.")
SECONDS = 2


@pytest.fixture
def emulator() -> Planned:
    return Planned()


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[MockServer, Services]]:
    with listening() as running:
        yield running


class Caller:
    """A client on a socket with a session of its own."""

    def __init__(self, listener: tuple[MockServer, Services], name: str) -> None:
        self._server, self._services = listener
        self._key = f"sk-{name}"

    @property
    def journal(self) -> Journal:
        """The journal of its session."""
        return self._services.sessions.open(self._key, 0).journal

    def connection(self, words: str = "", *, stream: bool = True, **body: Any) -> http.client.HTTPConnection:
        """A connection with a request on its way."""
        connection = http.client.HTTPConnection(self._server.host, self._server.port, timeout=SECONDS)
        asked = {"model": "qwen-plus", "messages": [{"role": "user", "content": "hi"}], "stream": stream, **body}
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        connection.request("POST", CHAT, json.dumps(asked), headers | ({"X-Mock": words} if words else {}))
        return connection

    def last_record(self) -> Record:
        """The record of the exchange that is ending."""
        limit = time.monotonic() + SECONDS
        while not len(self.journal) and time.monotonic() < limit:
            time.sleep(0.005)
        return self.journal[-1]


@pytest.fixture
def caller(listener: tuple[MockServer, Services], request: pytest.FixtureRequest) -> Caller:
    return Caller(listener, f"recording-{crc32(request.node.nodeid.encode())}")


# --- when


WORDS = [
    "",
    "fault=Throttling",
    "fault=InternalError after=2",
    "ttft=5ms itl=1ms tokens_per_chunk=40",
    "fault=http-status status=502 body=bad",
]
each_way = pytest.mark.parametrize("words", WORDS)
streamed_or_not = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@streamed_or_not
@each_way
def test_the_record_is_written_before_the_last_bytes_leave(emulator: Planned, words: str, stream: bool) -> None:
    """With a length the last byte is one of the body, else it is in the end of the chunked framing."""
    app, known = emulator.app, list[int]()
    has_length = "http-status" in words

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.body" and (message.get("body") or not has_length):
                known.append(len(emulator.journal))
            await send(message)

        await app(scope, receive, tell)

    emulator.app = watched
    emulator.chat(words=words, stream=stream)
    assert known[-1] == 1
    assert set(known[:-2]) <= {0}


@streamed_or_not
@each_way
def test_the_record_is_there_when_the_client_has_the_last_byte(caller: Caller, words: str, stream: bool) -> None:
    for number in range(1, 11):
        connection = caller.connection(words, stream=stream)
        connection.getresponse().read()
        assert len(caller.journal) == number
        connection.close()


# --- what


def test_a_record_tells_request_and_answer(emulator: Planned) -> None:
    response = emulator.chat("hello")
    [record] = emulator.journal
    assert (record.method, record.path, record.dialect, record.endpoint) == ("POST", CHAT, "compatible", "chat")
    assert (record.number, record.arrived_ms, record.status, record.ended) == (1, NOW_MS, 200, "finished")
    assert (record.model, record.question, record.stream) == ("qwen-plus", "hello", False)
    assert (record.answer, record.answer_size) == (response.content, len(response.content))
    assert record.request_id == response.headers["x-request-id"]
    assert json.loads(record.body)["messages"][0]["content"] == "hello"


def test_every_path_of_a_session_is_recorded(emulator: Planned) -> None:
    for path in ("/api/v1/models", "/compatible-mode/v1/files", "/api/v1/services/aigc/nothing"):
        emulator.request("GET", path)
    assert [(record.endpoint, record.status) for record in emulator.journal] == [
        ("models", 200),
        ("files", 200),
        ("", 400),
    ]


def test_the_key_is_masked(emulator: Planned) -> None:
    emulator.chat()
    [record] = emulator.journal
    assert KEY not in repr(record)
    assert record.headers["authorization"] == "Bearer sk-p***d"


def test_violations_are_recorded_and_told_in_a_header(emulator: Planned) -> None:
    body = {"model": "qwen-plus", "input": {"prompt": "hi"}, "result_format": "message"}
    response = emulator.request("POST", GENERATION, json=body)
    assert response.status_code == 200
    codes = {violation.code for violation in emulator.journal[-1].violations}
    assert "parameter.misplaced" in codes
    assert response.headers["x-mock-violations"] == ", ".join(sorted(codes))
    assert "x-mock-violations" not in emulator.chat().headers
    assert emulator.journal[-1].violations == ()


def test_a_directive_is_no_violation_and_the_body_is_kept_as_sent(emulator: Planned) -> None:
    emulator.generate("hi [[mock text=yes]]")
    [record] = emulator.journal
    assert record.violations == ()
    assert b"[[mock text=yes]]" in record.body
    assert record.question == "hi"


def test_the_stub_and_the_error_are_named(emulator: Planned) -> None:
    emulator.stub(Outcome(reply=ReplySpec(text="a")), name="mine")
    emulator.chat()
    emulator.chat(words="fault=Throttling.RateQuota retry_after=3")
    emulator.chat(words="fault=DataInspectionFailed after=1", stream=True)
    named, refused, broken = emulator.journal
    assert (named.stub, named.error) == ("mine", None)
    assert (refused.error, refused.retryable, refused.retry_after) == ("Throttling.RateQuota", True, 3)
    assert (broken.error, broken.retryable, broken.truncated) == ("DataInspectionFailed", False, False)


def test_the_status_of_a_fault_is_the_one_that_is_recorded(emulator: Planned) -> None:
    emulator.chat(words="fault=http-status status=502 body=bad")
    assert emulator.journal[-1].status == 502


def test_events_have_their_times(emulator: Planned) -> None:
    emulator.stub(Outcome(reply=ReplySpec(chunks=TEXT)))
    emulator.generate(stream=True)
    assert emulator.journal[-1].events == (0, 0, 0, 0)
    emulator.generate(words="text=x ttft=300ms itl=20ms", stream=True)
    assert emulator.journal[-1].events == (300, 320)
    assert emulator.journal[-1].ended_ms == NOW_MS + 320


# --- how it ended


@pytest.mark.parametrize(
    ("words", "ended", "events"),
    [
        ("", "finished", None),
        ("fault=reset after=2", "reset", 2),
        ("fault=close after=2", "closed", 2),
        ("fault=reset-before-headers", "reset", 0),
        ("fault=stall after=1", "stalled", 1),
    ],
)
def test_a_record_says_how_the_exchange_ended(caller: Caller, words: str, ended: str, events: int | None) -> None:
    connection = caller.connection(words)
    try:
        response = connection.getresponse()
        if ended == "stalled":
            response.fp.readline()
        else:
            response.read()
    except (ConnectionError, http.client.HTTPException):
        assert ended in ("reset", "closed")
    finally:
        connection.close()
    record = caller.last_record()
    assert record.ended == ended
    assert events in (None, len(record.events))


def test_a_client_that_leaves_is_recorded_with_the_events_it_got(caller: Caller) -> None:
    connection = caller.connection("itl=20ms tokens_per_chunk=1")
    response = connection.getresponse()
    for _ in range(6):
        response.fp.readline()
    response.close()
    connection.close()
    record = caller.last_record()
    assert record.ended == "client-left"
    assert 1 <= len(record.events) < 20
    assert not record.truncated


@pytest.mark.parametrize(
    ("words", "truncated"),
    [
        ("", False),
        ("fault=no-finish", True),
        ("fault=truncated-event event=2", True),
        ("fault=truncated-event event=99", False),  # the end marker
        ("fault=stall after=1 duration=1s", False),
        ("fault=no-done", False),
        ("fault=Throttling after=2", False),
    ],
)
def test_a_stream_without_its_finish_is_truncated(emulator: Planned, words: str, truncated: bool) -> None:
    emulator.chat(words=words, stream=True)
    assert emulator.journal[-1].truncated is truncated


@pytest.mark.parametrize(("after", "truncated"), [(3, True), (1000, False)])
def test_a_stream_that_breaks_after_its_finish_is_not_truncated(caller: Caller, after: int, truncated: bool) -> None:
    connection = caller.connection(f"fault=close after={after}")
    with pytest.raises(http.client.IncompleteRead):
        connection.getresponse().read()
    connection.close()
    assert caller.last_record().truncated is truncated


def test_an_answer_longer_than_what_is_kept_is_known_to_be_whole(emulator: Planned) -> None:
    broken = Fault("close", {"after": 1000})
    emulator.stub(Outcome(reply=ReplySpec(chunks=("word " * 5_000, "end")), faults=(broken,)))
    with pytest.raises(ConnectionAbortedError):
        emulator.chat(stream=True)
    assert not emulator.journal[-1].truncated


@pytest.mark.parametrize("value", ["Wed, 21 Oct 2026 07:28:00 GMT", "soon", "-1", "nan", ""])
def test_a_retry_after_that_is_no_number_of_seconds_is_not_read(emulator: Planned, value: str) -> None:
    emulator.replies(status=429, body="{}", headers={"Retry-After": value})
    assert emulator.chat().headers["retry-after"] == value.strip()
    assert emulator.journal[-1].retry_after is None


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'{"choices":["x"]}', b'{"choices":[{"delta":"x"}]}', b'{"output":{"choices":3}}', b"\xff"]
)
def test_raw_events_of_any_kind_are_recorded(emulator: Planned, data: bytes) -> None:
    reply = ReplySpec(sse=b"data: " + data + b"\n\ndata: 1\n\n")
    emulator.stub(Outcome(reply=reply, faults=(Fault("truncated-event", {"event": 2}),)))
    emulator.chat(stream=True)
    assert (emulator.journal[-1].truncated, emulator.journal[-1].said) == (True, "")


def repeating(text: str) -> list[Any]:
    """The next turn of a client that took `text` for the whole answer."""
    return [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": text},
        {"role": "user", "content": "go on"},
    ]


@pytest.mark.parametrize("incremental", [False, True])
def test_a_truncated_answer_that_the_client_repeats_is_a_finding(emulator: Planned, incremental: bool) -> None:
    emulator.stub(Outcome(reply=ReplySpec(chunks=TEXT), faults=(Fault("no-finish"),)))
    response = emulator.generate(stream=True, incremental_output=incremental)
    texts = [data["output"]["choices"][0]["message"]["content"] for data in data_of(response)]
    assert verdict(emulator.journal) == ()
    body = {"model": "qwen-plus", "input": {"messages": repeating("".join(texts) if incremental else texts[-1])}}
    emulator.request("POST", GENERATION, json=body)
    assert [finding.code for finding in verdict(emulator.journal)] == ["stream.truncated-accepted"]


def test_a_broken_connection_is_a_finding_too(caller: Caller) -> None:
    connection = caller.connection("fault=reset after=4")
    response, text = connection.getresponse(), ""
    with suppress(ConnectionError):
        for line in response.fp:
            if line.startswith(b"data: {"):
                text += json.loads(line[6:])["choices"][0]["delta"]["content"]
    connection.close()
    assert caller.last_record().said == text
    again = caller.connection(stream=False, messages=repeating(text))
    again.getresponse().read()
    again.close()
    assert [finding.code for finding in verdict(caller.journal)] == ["stream.truncated-accepted"]
