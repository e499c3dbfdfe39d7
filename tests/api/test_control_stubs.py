"""Stubs and faults over HTTP."""

from typing import Any

import pytest

from mockserver.stubs.book import MOST_STUBS
from mockserver.stubs.stub import Matcher, Outcome, ReplySpec, Stub

Call = Any
STUBS, FAULTS, UNMET = "/__mock__/stubs", "/__mock__/faults", "/__mock__/unmet"
CHAT = "/compatible-mode/v1/chat/completions"
QUESTION = {"model": "qwen-plus", "messages": [{"role": "user", "content": "今天天气怎么样？"}]}


def ask(emulator: Call, key: str = "sk-test") -> str:
    answer = emulator("POST", CHAT, json=QUESTION, key=key).json()
    return str(answer["choices"][0]["message"]["content"])


def test_a_stub_that_was_posted_answers_and_is_listed_with_its_counts(emulator: Call) -> None:
    stub = {"match": {"last_user": "天气"}, "reply": "晴", "times": 2}
    (added,) = emulator("POST", STUBS, json=stub).json()["stubs"]
    assert (added["source"], added["used"], added["left"]) == ("control", 0, 2)
    assert ask(emulator) == "晴"
    (listed,) = emulator("GET", STUBS).json()["stubs"]
    assert (listed["used"], listed["left"]) == (1, 1)
    assert listed["stub"] == {**stub, "reply": {"text": "晴"}, "id": listed["id"]}
    assert emulator("GET", f"{STUBS}/{listed['id']}").json() == listed


def test_a_stub_belongs_to_the_session_that_is_named(emulator: Call) -> None:
    emulator("POST", f"{STUBS}?key=sk-one", json={"reply": "one"}, key=None)
    assert ask(emulator, "sk-one") == "one"
    assert ask(emulator, "sk-two") != "one"


@pytest.mark.parametrize(("method", "path"), [("GET", STUBS), ("POST", STUBS), ("DELETE", STUBS), ("POST", FAULTS)])
def test_without_a_key_it_is_said_how_to_name_a_session(emulator: Call, method: str, path: str) -> None:
    answer = emulator(method, path, key=None)
    assert answer.status_code == 400
    assert "?key=sk-<name>" in answer.json()["detail"]


def test_several_stubs_are_added_all_or_not_at_all(emulator: Call) -> None:
    good, bad = {"reply": "晴"}, {"error": "Throtling"}
    answer = emulator("POST", STUBS, json={"stubs": [good, bad]})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith("/stubs/1")
    assert "Throttling" in answer.json()["detail"]
    assert len(emulator.services.sessions) == 0
    assert len(emulator("POST", STUBS, json={"stubs": [good, good]}).json()["stubs"]) == 2


def test_an_id_twice_in_one_request_is_refused(emulator: Call) -> None:
    answer = emulator("POST", STUBS, json={"stubs": [{"id": "a"}, {"id": "a"}]})
    assert (answer.status_code, answer.json()["detail"]) == (400, "The id 'a' stands twice.")


def test_a_stub_of_the_same_id_takes_the_place_of_the_old_one(emulator: Call) -> None:
    for text in ("old", "new"):
        emulator("POST", STUBS, json={"id": "weather/today", "reply": text})
    assert len(emulator("GET", STUBS).json()["stubs"]) == 1
    assert emulator("GET", f"{STUBS}/weather/today").json()["stub"]["reply"] == {"text": "new"}


def test_a_full_session_refuses_and_keeps_what_it_has(emulator: Call) -> None:
    emulator("POST", STUBS, json={"id": "first"})
    answer = emulator("POST", STUBS, json={"stubs": [{}] * MOST_STUBS})
    assert answer.status_code == 409
    assert len(emulator("GET", STUBS).json()["stubs"]) == 1


def test_stubs_are_deleted_one_by_one_or_all(emulator: Call) -> None:
    emulator("POST", STUBS, json={"stubs": [{"id": each} for each in "abc"]})
    assert emulator("DELETE", f"{STUBS}/b").json() == {"deleted": 1}
    assert emulator("DELETE", f"{STUBS}/b").status_code == 404
    assert emulator("DELETE", STUBS).json() == {"deleted": 2}
    assert emulator("GET", STUBS).json()["stubs"] == []
    assert emulator("DELETE", f"{STUBS}?key=sk-nobody").json() == {"deleted": 0}


def test_stubs_of_files_stay_when_all_are_deleted(make: Call) -> None:
    emulator = make(chaos=("ttft=1ms",))
    emulator("POST", STUBS, json={})
    assert emulator("DELETE", STUBS).json() == {"deleted": 1}
    assert [each["source"] for each in emulator("GET", STUBS).json()["stubs"]] == ["file"]


def test_what_a_test_still_waits_for_is_listed(emulator: Call) -> None:
    emulator("POST", STUBS, json={"stubs": [{"id": "waited", "times": 1}, {"id": "not waited"}]})
    assert [each["id"] for each in emulator("GET", UNMET).json()["stubs"]] == ["waited"]


def test_what_lives_in_python_is_named_and_the_rest_is_shown(emulator: Call) -> None:
    emulator("POST", STUBS, json={})
    book = emulator.services.sessions.find("sk-test").stubs
    spoken = Outcome(reply=ReplySpec(function=lambda _: "hi", headers={"x-a": "b"}))
    matcher = Matcher(model="qwen-*", predicate=lambda _: True)
    book.add(Stub(id="both", matcher=matcher, outcomes=(spoken,)))
    book.add(Stub(id="second", outcomes=(Outcome(), spoken)))
    both = emulator("GET", f"{STUBS}/both").json()
    assert both["in_python"] == ["match.predicate", "reply.function"]
    assert both["stub"] == {"id": "both", "match": {"model": "qwen-*"}, "reply": {"headers": {"x-a": "b"}}}
    assert emulator("GET", f"{STUBS}/second").json()["in_python"] == ["outcomes[1].reply.function"]


def test_a_key_in_a_stub_is_masked(emulator: Call) -> None:
    key = "sk-0123456789abcdef0123"
    emulator("POST", STUBS, json={"match": {"headers": {"authorization": key}}})
    assert key not in emulator("GET", STUBS).text
    assert "sk-012***123" in emulator("GET", STUBS).text


def test_an_error_is_added_to_every_request_for_some_times(emulator: Call) -> None:
    emulator("POST", FAULTS, json={"error": "Throttling.RateQuota", "times": 1, "retry_after": 2})
    refused = emulator("POST", CHAT, json=QUESTION)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert emulator("POST", CHAT, json=QUESTION).status_code == 200


def test_a_fault_is_added_with_its_parameters_beside_it(emulator: Call) -> None:
    (added,) = emulator("POST", FAULTS, json={"kind": "http-status", "status": 503, "times": "once"}).json()["stubs"]
    assert added["stub"]["faults"] == [{"kind": "http-status", "status": 503}]
    assert added["left"] == 1


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "Say which fault"),
        ({"kind": "reset", "error": "Throttling"}, "Say which fault"),
        ({"error": "Throttling", "afer": 3}, "'afer'"),
        ({"error": "Throtling"}, "Throttling"),
        ({"kind": "rest"}, "faults[0]"),
        ({"kind": "reset", "afer": 1}, "afer"),
        ({"kind": "reset", "times": 0}, "times"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_name(emulator: Call, body: Any, word: str) -> None:
    answer = emulator("POST", FAULTS, json=body)
    assert answer.status_code == 400
    assert word in answer.json()["detail"]


def test_every_kind_of_fault_is_listed(emulator: Call) -> None:
    kinds = {each["kind"]: each for each in emulator("GET", FAULTS, key=None).json()["faults"]}
    assert "after" in kinds["reset"]["params"]
