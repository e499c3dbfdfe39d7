"""Journal and verdict over HTTP."""

from typing import Any

import pytest

from mockserver.violations import explanation

Call = Any
JOURNAL, VERDICT = "/__mock__/journal", "/__mock__/verdict"
CHAT = "/compatible-mode/v1/chat/completions"
GENERATION = "/api/v1/services/aigc/text-generation/generation"
QUESTION = {"model": "qwen-plus", "messages": [{"role": "user", "content": "hi"}]}
MISPLACED = {"model": "qwen-plus", "input": {"prompt": "hi"}, "result_format": "message"}


def numbers(emulator: Call, query: str = "") -> list[int]:
    return [record["number"] for record in emulator("GET", f"{JOURNAL}?{query}").json()["records"]]


def test_the_journal_is_read_page_by_page(emulator: Call) -> None:
    for _ in range(5):
        emulator("POST", CHAT, json=QUESTION)
    page = emulator("GET", f"{JOURNAL}?limit=2").json()
    assert ([record["number"] for record in page["records"]], page["next"]) == ([1, 2], 2)
    last = emulator("GET", f"{JOURNAL}?limit=3&after=2").json()
    assert ([record["number"] for record in last["records"]], last["next"]) == ([3, 4, 5], None)


def test_the_journal_is_filtered(emulator: Call) -> None:
    emulator("POST", CHAT, json=QUESTION)
    emulator("POST", GENERATION, json=MISPLACED)
    emulator("POST", CHAT, json={**QUESTION, "model": "nobody"})
    emulator("POST", CHAT, json={"model": "qwen-plus"})
    assert numbers(emulator, "endpoint=generation") == [2]
    assert numbers(emulator, "status=200&endpoint=chat") == [1]
    assert numbers(emulator, "code=parameter.misplaced") == numbers(emulator, "code=parameter") == [2]
    assert numbers(emulator, "code=schema.required") == numbers(emulator, "code=schema") == [4]
    error = emulator("GET", JOURNAL).json()["records"][2]["answer"]["error"]
    assert numbers(emulator, f"code={error}") == [3]
    assert numbers(emulator, "ended=finished") == [1, 2, 3, 4]
    assert numbers(emulator, "ended=reset") == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "after=-1", "after=" + "9" * 5000, "stat=200"])
def test_a_query_that_cannot_be_is_refused(emulator: Call, query: str) -> None:
    emulator("POST", CHAT, json=QUESTION)
    answer = emulator("GET", f"{JOURNAL}?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["detail"]


def test_a_key_without_a_session_is_a_problem_and_no_clean_verdict(emulator: Call) -> None:
    for path in (JOURNAL, VERDICT):
        assert emulator("GET", f"{path}?key=sk-misspelt").status_code == 404


def test_the_journal_can_be_forgotten(emulator: Call) -> None:
    emulator("POST", CHAT, json=QUESTION)
    assert emulator("DELETE", JOURNAL).json() == {"deleted": 1}
    assert numbers(emulator) == []
    assert emulator("DELETE", f"{JOURNAL}?key=sk-nobody").json() == {"deleted": 0}


def test_secrets_are_masked(emulator: Call) -> None:
    key = "sk-0123456789abcdef0123"
    emulator("POST", f"{CHAT}?note={key}", json={**QUESTION, "user": key}, key=key)
    for path in (JOURNAL, VERDICT):
        assert key not in emulator("GET", f"{path}?key={key}").text


def test_the_verdict_has_findings_and_violations_by_code(emulator: Call) -> None:
    for _ in range(2):
        emulator("POST", GENERATION, json=MISPLACED)
    for _ in range(2):
        emulator("POST", CHAT, json={"model": "nobody", "messages": QUESTION["messages"]}, key="sk-retries")
    emulator("POST", CHAT, json=QUESTION, key="sk-good")
    said = emulator("GET", VERDICT, key=None).json()
    assert (said["clean"], said["requests"]) == (False, 5)
    misplaced, retried, good = said["sessions"]
    (violation,) = misplaced["violations"]
    assert (violation["code"], violation["count"], violation["records"]) == ("parameter.misplaced", 2, [1, 2])
    assert violation["path"] == "/result_format"
    assert [finding["code"] for finding in retried["findings"]] == ["retry.not-retryable"]
    assert good["findings"] == good["violations"] == []
    for each in (*misplaced["violations"], *retried["findings"]):
        assert explanation(each["code"]) is not None


def test_the_verdict_on_one_session_is_about_it_alone(emulator: Call) -> None:
    emulator("POST", GENERATION, json=MISPLACED)
    emulator("POST", CHAT, json=QUESTION, key="sk-good")
    assert emulator("GET", f"{VERDICT}?key=sk-good", key=None).json()["clean"] is True
    assert emulator("GET", f"{VERDICT}?key=sk-test", key=None).json()["clean"] is False


def test_a_server_nobody_has_asked_is_clean(emulator: Call) -> None:
    assert emulator("GET", VERDICT, key=None).json() == {"clean": True, "requests": 0, "sessions": []}
