from hypothesis import given
from hypothesis import strategies as st

from mockserver.sessions import MemorySessions


def store(limit: int = 3, idle_ms: int = 1000) -> MemorySessions:
    return MemorySessions(limit=limit, idle_ms=idle_ms)


def test_a_key_always_opens_the_same_session() -> None:
    sessions = store()
    first = sessions.open("sk-a", 1)
    assert sessions.open("sk-a", 2) is first
    assert (first.created_ms, first.used_ms) == (1, 2)


def test_keys_never_share_a_session() -> None:
    sessions = store()
    assert sessions.open("sk-a", 1) is not sessions.open("sk-b", 1)


def test_the_session_idle_the_longest_makes_room() -> None:
    sessions = store(limit=2)
    sessions.open("sk-a", 1)
    sessions.open("sk-b", 2)
    sessions.open("sk-a", 3)
    sessions.open("sk-c", 4)
    assert [session.name for session in sessions] == ["sk-a", "sk-c"]


def test_sessions_that_nobody_uses_are_forgotten() -> None:
    sessions = store(idle_ms=10)
    sessions.open("sk-a", 0)
    sessions.open("sk-b", 8)
    sessions.open("sk-c", 15)
    assert [session.name for session in sessions] == ["sk-b", "sk-c"]


def test_finding_is_not_using() -> None:
    sessions = store()
    assert sessions.find("sk-a") is None
    opened = sessions.open("sk-a", 5)
    assert sessions.find("sk-a") is opened
    assert opened.used_ms == 5


@given(st.lists(st.sampled_from(["sk-a", "sk-b", "sk-c", "sk-d", "sk-e"]), max_size=40))
def test_there_are_never_more_sessions_than_the_limit(names: list[str]) -> None:
    sessions = store(limit=3)
    for now, name in enumerate(names):
        sessions.open(name, now)
        assert len(sessions) <= 3
        assert sessions.find(name) is not None
