"""Sessions, seed, reset and clock over HTTP."""

import asyncio
from typing import Any

import httpx
import pytest

from mockserver.api.app import create_app

Call = Any
CHAT = "/compatible-mode/v1/chat/completions"
FILES = "/compatible-mode/v1/files"
QUESTION = {"model": "qwen-plus", "messages": [{"role": "user", "content": "hi"}]}
SESSION = "/__mock__/sessions/sk-test"
LIMIT = {"limits": [{"model": "*", "rpm": 1}]}


def statuses(emulator: Call, count: int) -> list[int]:
    return [emulator("POST", CHAT, json=QUESTION).status_code for _ in range(count)]


def test_rate_limits_can_be_set_and_given_back(emulator: Call) -> None:
    assert emulator("PUT", SESSION, json={"rate_limits": LIMIT}).json()["rate_limits"] == LIMIT
    assert statuses(emulator, 2) == [200, 429]
    assert emulator("PUT", SESSION, json={"rate_limits": None}).json()["rate_limits"] == {"limits": []}
    assert statuses(emulator, 2) == [200, 200]


@pytest.mark.parametrize(
    "change",
    [{"rate_limits": {"limits": [{"rpn": 1}]}}, {"rate_limits": 3}, {"seed": -1}, {"seed": True}, {"seed": "7"}],
)
def test_a_change_is_made_whole_or_not_at_all(emulator: Call, change: dict[str, Any]) -> None:
    assert emulator("PUT", SESSION, json={"profile": "2024", **change}).status_code == 400
    assert emulator("GET", SESSION).status_code == 404


def test_a_session_and_its_files_can_be_deleted(emulator: Call) -> None:
    emulator("POST", FILES, files={"file": ("a.txt", b"text")}, data={"purpose": "file-extract"})
    assert emulator("DELETE", SESSION).json() == {"deleted": 1}
    assert emulator("DELETE", SESSION).status_code == 404
    assert emulator("GET", FILES).json()["data"] == []


def test_reset_puts_a_session_back_to_its_beginning(make: Call) -> None:
    emulator = make(rate_limits=("rpm=1",), chaos=("ttft=1ms",))
    emulator("POST", FILES, files={"file": ("a.txt", b"text")}, data={"purpose": "file-extract"})
    emulator("POST", "/__mock__/reset")
    begun = emulator("GET", SESSION).json()
    emulator("PUT", SESSION, json={"profile": "2024", "rate_limits": {"limits": [{"rpm": 2}]}})
    emulator("POST", "/__mock__/stubs", json={"reply": "hi"})
    assert statuses(emulator, 3) == [200, 200, 429]
    assert emulator("POST", "/__mock__/reset").json() == {"reset": 1}
    assert emulator("GET", SESSION).json() == begun
    assert (begun["stubs"], begun["requests"], begun["profile"]) == (1, 0, "2026")
    assert statuses(emulator, 1) == [200]


def test_reset_forgets_files(emulator: Call) -> None:
    emulator("POST", FILES, files={"file": ("a.txt", b"text")}, data={"purpose": "file-extract"})
    emulator("POST", "/__mock__/reset")
    assert emulator("GET", FILES).json()["data"] == []


def test_reset_without_a_key_is_for_all(emulator: Call) -> None:
    for key in ("sk-one", "sk-two"):
        emulator("POST", CHAT, json=QUESTION, key=key)
    assert emulator("POST", "/__mock__/reset?key=sk-one", key=None).json() == {"reset": 1}
    assert [session["requests"] for session in emulator("GET", "/__mock__/sessions").json()["sessions"]] == [1, 0]
    assert emulator("POST", "/__mock__/reset", key=None).json() == {"reset": 2}


@pytest.mark.parametrize("query", ["kye=sk-one", "key=other", "key="])
def test_a_misspelt_key_resets_nobody(emulator: Call, query: str) -> None:
    emulator("POST", CHAT, json=QUESTION)
    assert emulator("POST", f"/__mock__/reset?{query}", key=None).status_code == 400
    assert emulator("GET", SESSION).json()["requests"] == 1


def chances(emulator: Call) -> list[int]:
    return [emulator("POST", CHAT, json=QUESTION).status_code for _ in range(20)]


def test_the_same_seed_gives_the_same_chance(emulator: Call) -> None:
    emulator("POST", "/__mock__/stubs", json={"error": "Throttling", "times": {"probability": 0.5}})
    drawn = []
    for seed in (7, 7, 8):
        assert emulator("PUT", "/__mock__/seed", json={"seed": seed}).json() == {"seed": seed}
        drawn.append(chances(emulator))
    assert drawn[0] == drawn[1] != drawn[2]
    emulator("PUT", SESSION, json={"seed": 7})
    assert chances(emulator) == drawn[0]


def test_a_fixed_clock_is_read_and_moved(emulator: Call) -> None:
    before = emulator("GET", "/__mock__/clock").json()
    assert before["kind"] == "fixed"
    after = emulator("POST", "/__mock__/clock", json={"advance_ms": 60_000}).json()
    assert after["now_ms"] == before["now_ms"] + 60_000
    for wrong in ({}, {"advance_ms": -1}, {"advance_ms": 1, "x": 2}):
        assert emulator("POST", "/__mock__/clock", json=wrong).status_code == 400


def test_the_clock_of_the_machine_is_not_moved() -> None:
    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(create_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://mock") as client:
            return await client.post("/__mock__/clock", json={"advance_ms": 1})

    assert asyncio.run(answer()).status_code == 409
