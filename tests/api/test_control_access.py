"""Who may use the control API: this machine, and whoever has the token."""

from typing import Any

import pytest

Call = Any
TOKEN = "a-token-of-ours"
SESSIONS, STUBS, VERDICT = "/__mock__/sessions", "/__mock__/stubs", "/__mock__/verdict"
AWAY = "192.168.1.7"


@pytest.mark.parametrize("headers", [{"x-mock-token": TOKEN}, {"authorization": f"Bearer {TOKEN}"}])
def test_the_token_opens_the_control_api_to_another_machine(make: Call, headers: dict[str, str]) -> None:
    emulator = make(AWAY, control_token=TOKEN)
    assert emulator("GET", SESSIONS, key=None, headers=headers).status_code == 200
    assert emulator("POST", f"{STUBS}?key=sk-a", key=None, headers=headers, json={}).status_code == 200
    assert emulator("GET", VERDICT, key=None, headers=headers).status_code == 200


@pytest.mark.parametrize("token", ["", "another", TOKEN[:-1], f"{TOKEN}x", "\xe9"])
@pytest.mark.parametrize("name", ["x-mock-token", "authorization"])
def test_a_wrong_token_opens_nothing(make: Call, name: str, token: str) -> None:
    value = token if name == "x-mock-token" else f"Bearer {token}"
    answer = make(AWAY, control_token=TOKEN)("GET", SESSIONS, key=None, headers={name: value.encode("latin-1")})
    assert answer.status_code == 403
    assert TOKEN not in answer.text


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_of_the_server_no_token_is_right(make: Call, token: str | None) -> None:
    for headers in ({"x-mock-token": ""}, {"authorization": "Bearer "}, {"x-mock-token": "None"}):
        emulator = make(AWAY, control_token=token)
        assert emulator("GET", SESSIONS, key=None, headers=headers).status_code == 403


def test_this_machine_needs_no_token(make: Call) -> None:
    assert make(control_token=TOKEN)("GET", SESSIONS, key=None).status_code == 200


def test_with_the_token_as_bearer_the_session_is_named_in_the_query(make: Call) -> None:
    emulator = make(control_token=f"sk-{TOKEN}")
    bearer = {"authorization": f"Bearer sk-{TOKEN}"}
    assert emulator("GET", STUBS, key=None, headers=bearer).status_code == 400
    emulator("POST", STUBS, headers={"x-mock-token": TOKEN}, json={})
    assert [session.name for session in emulator.services.sessions] == ["sk-test"]


def test_only_accepted_keys_name_a_session(make: Call) -> None:
    emulator = make(api_keys=("sk-known",))
    assert emulator("POST", f"{STUBS}?key=sk-other", key=None, json={}).status_code == 400
    assert emulator("POST", f"{STUBS}?key=sk-known", key=None, json={}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_an_unknown_path_is_not_found_by_any_method(make: Call, method: str) -> None:
    answer = make()(method, "/__mock__/made/up")
    assert answer.status_code == 404
    assert "verdict" in answer.json()["detail"]


def test_a_failure_of_the_server_is_a_problem_too(make: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = make()
    monkeypatch.setattr(emulator.services, "profile", None)
    answer = emulator("GET", "/__mock__/health")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")


def test_the_catalogue_is_listed_and_shows_an_entry_by_any_of_its_names(make: Call) -> None:
    emulator = make()
    listed = {each["name"]: each for each in emulator("GET", "/__mock__/catalogue").json()["errors"]}
    assert listed["Throttling.RateQuota"]["native"]["status"] == 429
    entry = emulator("GET", "/__mock__/catalogue/limit_requests").json()
    assert entry["name"] == "Throttling.RateQuota"
    assert emulator("GET", "/__mock__/catalogue/InvalidParameter/method").json()["name"] == "InvalidParameter/method"
    missing = emulator("GET", "/__mock__/catalogue/Throtling")
    assert missing.status_code == 404
    assert "Throttling" in missing.json()["detail"]


def test_the_models_are_listed_as_the_profile_has_them(make: Call) -> None:
    said = make()("GET", "/__mock__/models").json()
    assert "qwen-max" in {model["name"] for model in said["models"]}
    assert "text-embedding-v4" in {model["name"] for model in said["embeddings"]}


def test_the_control_api_describes_itself(make: Call) -> None:
    assert "/__mock__/verdict" in make()("GET", "/__mock__/openapi-control.json").json()["paths"]
