"""Every error of the catalogue, asked for by name with `X-Mock`: in both dialects, streamed or not, early and late."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from in_process import CHAT, GENERATION, SSE, InProcess, in_process

from mockserver import errors
from mockserver.errors import Entry, catalogue
from mockserver.profiles import DEFAULT_PROFILE, PROFILES

PROFILE = PROFILES[DEFAULT_PROFILE]
MESSAGES = [{"role": "user", "content": "hi"}]
WITHOUT_IDS = ("body", "files", "batch")
"""Layers of the compatible service that put no id into their refusals."""


@pytest.fixture(scope="module")
def client() -> Iterator[InProcess]:
    with in_process(judged=False) as running:  # an error may come where the service has it not
        yield running


@dataclass(frozen=True)
class Said:
    """An answer: the data of its events if it is a stream, else its one document."""

    status: int
    request_id: str
    framed: bool
    body: str

    @property
    def events(self) -> list[dict[str, str]]:
        """The fields of each event; a comment is called `comment`."""
        blocks = self.body.removesuffix("\n\n").split("\n\n")
        return [dict(_field(line) for line in block.split("\n")) for block in blocks]


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name or "comment", value.removeprefix(" ")


def ask(client: InProcess, dialect: str, words: str, *, stream: bool) -> Said:
    headers = {"X-Mock": words, "Accept-Encoding": "identity"}
    if dialect == "native":
        body: dict[str, Any] = {"model": "qwen-plus", "input": {"messages": MESSAGES}}
        response = client.post(GENERATION, body, headers | (SSE if stream else {}))
    else:
        response = client.post(CHAT, {"model": "qwen-plus", "messages": MESSAGES, "stream": stream}, headers)
    framed = response.headers.get("content-type", "").startswith("text/event-stream")
    return Said(response.status_code, response.headers["x-request-id"], framed, response.text)


def has_id(document: Any, said: Said) -> bool:
    """Whether some id of the document is the exchange's."""
    texts = [document[key].removeprefix("chatcmpl-") for key in ("request_id", "id") if key in document]
    return bool(texts) and all(text == said.request_id for text in texts)


def expected_native(entry: Entry) -> tuple[errors.NativeForm, str]:
    form = errors.native_form(entry, PROFILE)
    return form, errors.text(form, entry.example, PROFILE)


def check_native(entry: Entry, said: Said, *, stream: bool) -> None:
    form, message = expected_native(entry)
    framed = stream and form.stream != "plain"
    assert said.framed == framed
    assert said.status == (200 if framed and form.stream == "event-200" else form.status)
    if framed:
        [event] = said.events
        data = event.pop("data")
        assert event == {"id": "1", "event": "error", "comment": f"HTTP_STATUS/{form.status}"}
    else:
        data = said.body
    document = json.loads(data)
    assert (document["code"], document["message"]) == (form.code, message)
    assert has_id(document, said)


def check_compatible(entry: Entry, said: Said, *, stream: bool) -> None:
    form = errors.compatible_form(entry, PROFILE)
    framed = stream and form.shape == "engine"
    assert (said.status, said.framed) == (form.status, framed)
    if form.shape == "empty":
        assert not said.body
        return
    document = json.loads(said.events[0]["data"] if framed else said.body)
    error = document["error"]
    assert error["message"] == errors.text(form, entry.example, PROFILE, prefixed=not framed)
    assert error.get("code") == (None if form.shape == "body" else form.code)
    assert (error.get("param"), error["type"]) == (form.param, form.type)
    assert has_id(document, said) == (form.shape not in WITHOUT_IDS)


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("dialect", ["native", "compatible"])
@pytest.mark.parametrize("name", catalogue())
def test_every_error_refuses_as_the_service_does(client: InProcess, name: str, dialect: str, stream: bool) -> None:
    said = ask(client, dialect, f'fault="{name}"', stream=stream)
    check = check_native if dialect == "native" else check_compatible
    check(catalogue()[name], said, stream=stream)


@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize("name", catalogue())
def test_every_error_ends_a_native_stream_after_so_many_events(client: InProcess, name: str, after: int) -> None:
    said = ask(client, "native", f'fault="{name}" after={after}', stream=True)
    form, message = expected_native(catalogue()[name])
    *before, last = said.events
    assert (said.status, said.framed) == (200, True)
    assert [event["event"] for event in before] == ["result"] * after
    document = json.loads(last.pop("data"))
    assert last == {"id": str(after + 1), "event": "error", "comment": f"HTTP_STATUS/{form.status}"}
    assert (document["code"], document["message"], document["request_id"]) == (form.code, message, said.request_id)


@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize("name", catalogue())
def test_every_error_ends_a_compatible_stream_after_so_many_events(client: InProcess, name: str, after: int) -> None:
    said = ask(client, "compatible", f'fault="{name}" after={after}', stream=True)
    entry = catalogue()[name]
    form = errors.compatible_form(entry, PROFILE)
    *before, last, done = (event["data"] for event in said.events)
    assert (said.status, said.framed, done) == (200, True, "[DONE]")
    assert [json.loads(data)["id"] for data in before] == [f"chatcmpl-{said.request_id}"] * after
    assert json.loads(last)["error"] == {
        "code": form.code,
        "param": form.param,
        "message": errors.text(form, entry.example, PROFILE, prefixed=False),
        "type": form.type,
    }


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize("name", ["DataInspectionFailed", "InternalError", "Throttling.RateQuota"])
def test_a_compatible_stream_can_leak_the_native_frame(client: InProcess, name: str, after: int) -> None:
    said = ask(client, "compatible", f"fault={name} after={after} leak_native", stream=True)
    form, message = expected_native(catalogue()[name])
    *before, last = said.events
    assert len(before) == after
    assert (last["id"], last["event"], last["comment"]) == (str(after + 1), "error", f"HTTP_STATUS/{form.status}")
    assert json.loads(last["data"]) == {"request_id": said.request_id, "code": form.code, "message": message}


@pytest.mark.parametrize("dialect", ["native", "compatible"])
def test_an_answer_that_is_no_stream_is_refused_whatever_after_says(client: InProcess, dialect: str) -> None:
    said = ask(client, dialect, "fault=Throttling after=3", stream=False)
    check = check_native if dialect == "native" else check_compatible
    check(catalogue()["Throttling"], said, stream=False)


def test_placeholders_of_a_message_are_words_too(client: InProcess) -> None:
    said = ask(client, "native", "fault=InvalidParameter/max-tokens-range max=77", stream=False)
    assert "[1, 77]" in json.loads(said.body)["message"]
