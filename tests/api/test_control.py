from typing import Any

import pytest

from mockserver import __version__, schemas

Call = Any


def test_health_says_which_server_answers(emulator: Call) -> None:
    answer = emulator("GET", "/__mock__/health", key=None)
    assert answer.json() == {"status": "ok", "version": __version__, "profile": "2026"}
    assert schemas.accepts("control/health", answer.json())


@pytest.mark.parametrize("address", ["192.168.1.7", "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8", "", "localhost"])
@pytest.mark.parametrize("path", ["health", "sessions", "openapi.json", "made/up"])
def test_another_machine_is_refused(make: Call, address: str, path: str) -> None:
    headers = {"x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1", "forwarded": "for=127.0.0.1"}
    answer = make(address)("GET", f"/__mock__/{path}", headers=headers)
    assert answer.status_code == 403
    assert schemas.accepts("control/problem", answer.json())


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_every_way_to_say_this_machine_is_let_in(make: Call, address: str) -> None:
    assert make(address)("GET", "/__mock__/health").status_code == 200


def test_schemas_are_handed_out_by_name(emulator: Call) -> None:
    names = emulator("GET", "/__mock__/schemas").json()["schemas"]
    assert "native/generation-request" in names
    for ending in ("", ".json"):
        answer = emulator("GET", f"/__mock__/schemas/native/generation-request{ending}")
        assert answer.json() == schemas.document("native/generation-request")


@pytest.mark.parametrize("name", ["native/generation-reqest", "../pyproject", "..%2f..%2fetc%2fpasswd", "", "a%00b"])
def test_an_unknown_schema_is_a_problem(emulator: Call, name: str) -> None:
    answer = emulator("GET", f"/__mock__/schemas/{name}")
    assert answer.status_code == 404
    assert schemas.accepts("control/problem", answer.json())


def test_a_misspelt_schema_gets_a_proposal(emulator: Call) -> None:
    answer = emulator("GET", "/__mock__/schemas/native/generation-reqest")
    assert "native/generation-request" in answer.json()["detail"]


def test_there_is_an_openapi_document(emulator: Call) -> None:
    assert emulator("GET", "/__mock__/openapi.json").json()["openapi"].startswith("3.1")


def test_the_profile_of_a_session_can_be_set_and_given_back(emulator: Call) -> None:
    path = "/__mock__/sessions/sk-my-long-test-key"
    answer = emulator("PUT", path, json={"profile": "2024"})
    assert (answer.json()["api_key"], answer.json()["profile"]) == ("sk-my-***key", "2024")
    assert schemas.accepts("control/session", answer.json())
    assert emulator("PUT", path, json={}).json()["profile"] == "2024"
    assert emulator("PUT", path, json={"profile": None}).json()["profile"] == "2026"
    (session,) = emulator("GET", "/__mock__/sessions").json()["sessions"]
    assert session == emulator("GET", path).json()


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("sk-a", b'{"profile": "2025"}', "Unknown profile '2025'; there are: 2026, 2024."),
        ("sk-a", b'{"profile": ["2024"]}', "Unknown profile ['2024']; there are: 2026, 2024."),
        ("sk-a", b'{"profil": "2024"}', "Unknown word 'profil'; a session has: profile, rate_limits, seed."),
        ("sk-a", b"[]", 'The body must be a JSON object such as {"profile": "2024"}.'),
        ("sk-a", b"\xff", 'The body must be a JSON object such as {"profile": "2024"}.'),
        ("other", b"{}", "A session is named by its API key: sk-<name>."),
    ],
)
def test_a_change_that_cannot_be_says_what_could(emulator: Call, path: str, body: bytes, detail: str) -> None:
    answer = emulator("PUT", f"/__mock__/sessions/{path}", content=body)
    assert (answer.status_code, answer.json()["detail"]) == (400, detail)
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(emulator.services.sessions) == 0


def test_a_wrong_method_or_path_is_a_problem_that_lists_what_there_is(emulator: Call) -> None:
    assert emulator("POST", "/__mock__/health").status_code == 405
    answer = emulator("GET", "/__mock__/made/up")
    assert answer.status_code == 404
    assert "health" in answer.json()["detail"]


def test_the_control_api_makes_no_session(emulator: Call) -> None:
    emulator("GET", "/__mock__/health")
    assert len(emulator.services.sessions) == 0
