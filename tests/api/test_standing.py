"""Stubs that every session has: those of a folder, read again when it changes, and those of chance."""

import asyncio
import logging
from pathlib import Path

import pytest
from planned import Planned, message_of, said

from mockserver.api.standing import watch_stubs
from mockserver.stubs.stub import ErrorSpec, Outcome, ReplySpec, StubError

CHAOS = "fault=Throttling probability=0.5"


def write(folder: Path, text: str) -> None:
    (folder / "one.yaml").write_text(f"stubs: [{{name: greeting, reply: {{text: {text}}}}}]", encoding="utf-8")


def reread(emulator: Planned, folder: Path, content: str) -> None:
    """What happens when a file changes under a running server."""

    async def run() -> None:
        watcher = watch_stubs(emulator.services)
        assert watcher is not None
        try:
            (folder / "one.yaml").write_text(content, encoding="utf-8")
            assert watcher.check()
            await asyncio.sleep(0)
        finally:
            watcher.stop()

    asyncio.run(run())


def test_the_stubs_of_a_folder_hold_for_every_session(tmp_path: Path) -> None:
    write(tmp_path, "hello")
    emulator = Planned(stubs=tmp_path)
    assert said(emulator.chat())["content"] == "hello"
    assert said(emulator.chat(headers={"authorization": "Bearer sk-another"}))["content"] == "hello"
    assert emulator.journal[-1].stub == "greeting"


def test_a_test_s_own_stub_comes_before_those_of_files(tmp_path: Path) -> None:
    write(tmp_path, "hello")
    emulator = Planned(stubs=tmp_path)
    emulator.stub(Outcome(reply=ReplySpec(text="mine")))
    assert said(emulator.chat())["content"] == "mine"


def test_a_changed_folder_is_read_again_for_old_and_new_sessions(tmp_path: Path) -> None:
    write(tmp_path, "hello")
    emulator = Planned(stubs=tmp_path)
    emulator.stub(Outcome(reply=ReplySpec(text="mine")), priority=-1)
    emulator.chat()
    reread(emulator, tmp_path, "stubs: [{name: greeting, reply: {text: goodbye}}]")
    assert said(emulator.chat())["content"] == "goodbye"
    assert said(emulator.chat(headers={"authorization": "Bearer sk-new"}))["content"] == "goodbye"
    reread(emulator, tmp_path, "stubs: []")
    assert said(emulator.chat())["content"] == "mine"


def test_a_bad_file_keeps_what_ran_and_says_what_is_wrong(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, "hello")
    emulator = Planned(stubs=tmp_path)
    with caplog.at_level(logging.ERROR, "mockserver"):
        reread(emulator, tmp_path, "stubs: [{reply: {texxt: goodbye}}]")
    assert said(emulator.chat())["content"] == "hello"
    assert "one.yaml" in caplog.text
    assert "texxt" in caplog.text


def test_chaos_stays_when_the_folder_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, "hello")
    emulator = Planned(stubs=tmp_path, chaos=("fault=Throttling",))
    reread(emulator, tmp_path, "stubs: []")
    assert emulator.chat().status_code == 429


def test_nothing_is_watched_without_a_folder() -> None:
    assert watch_stubs(Planned().services) is None


def test_a_server_does_not_start_with_what_cannot_be(tmp_path: Path) -> None:
    write(tmp_path, "[not, a, text]")
    with pytest.raises(StubError, match=r"one\.yaml"):
        Planned(stubs=tmp_path)
    with pytest.raises(StubError, match="does not exist"):
        Planned(stubs=tmp_path / "nowhere")
    with pytest.raises(StubError, match="'foo' is not known"):
        Planned(chaos=("foo=1",))


# --- chaos


def statuses(seed: int, *chaos: str, count: int = 40) -> list[int]:
    emulator = Planned(seed=seed, chaos=chaos)
    return [emulator.chat().status_code for _ in range(count)]


def test_chaos_comes_by_chance_and_chance_by_the_seed() -> None:
    seen = statuses(7, CHAOS)
    assert seen == statuses(7, CHAOS)
    assert seen != statuses(8, CHAOS)
    assert 8 < seen.count(429) < 32


def test_each_text_of_chaos_has_its_own_chance() -> None:
    seen = statuses(7, CHAOS, "fault=ModelServingError probability=0.5")
    assert {429, 503, 200} == set(seen)


def test_chaos_comes_before_what_a_test_says_and_after_what_a_request_says() -> None:
    emulator = Planned(chaos=("fault=Throttling",))
    emulator.stub(Outcome(error=ErrorSpec("InternalError")), priority=999)
    assert emulator.chat().status_code == 429
    assert said(emulator.chat(words="text=yes"))["content"] == "yes"


def test_chaos_is_never_waited_for() -> None:
    emulator = Planned(chaos=("fault=Throttling times=3",))
    emulator.chat()
    assert emulator.session.stubs.unmet() == []


def test_strict_mode_counts_chaos_as_a_stub_like_any_other() -> None:
    emulator = Planned(strict=True, chaos=("fault=Throttling times=1",))
    emulator.chat()
    assert "chaos-1" in message_of(emulator.chat())
