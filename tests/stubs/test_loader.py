"""Stub files: read whole or not at all, and watched."""

import json
import os
from pathlib import Path
from threading import Event

import pytest

from mockserver import resources
from mockserver.stubs.book import StubBook
from mockserver.stubs.loader import Watcher, load_folder
from mockserver.stubs.stub import Stub, StubError
from mockserver.stubs.view import View

EXAMPLES = resources.path("fixtures", "stubs")


def write(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def names(stubs: tuple[Stub, ...]) -> list[str]:
    return [stub.name for stub in stubs]


# --- the examples


@pytest.mark.parametrize("file", sorted(EXAMPLES.iterdir()), ids=lambda file: file.name)
def test_each_example_is_right_and_every_stub_has_a_name(file: Path) -> None:
    assert all(names(load_folder(file)))


def test_the_examples_are_read_as_a_folder() -> None:
    stubs = load_folder(EXAMPLES)
    assert {stub.source for stub in stubs} == {"file"}
    assert [stub.id for stub in stubs if "tool-call" in stub.id] == [f"tool-call.json#{n}" for n in (1, 2, 3)]


def test_the_outage_of_the_example_begins_and_ends() -> None:
    book = StubBook()
    book.replace("file", load_folder(EXAMPLES / "scenario-outage.yaml"))
    told = [book.plan(View(last_user=text)) for text in ("你好", "停机", "你好", "恢复", "你好")]
    said = [
        plan and (plan.outcome.error.name if plan.outcome.error else plan.outcome.reply and plan.outcome.reply.text)
        for plan in told
    ]
    assert said == [None, "好的，马上停机。", "ModelUnavailable", "服务已恢复。", None]


# --- reading


def test_yaml_and_json_below_a_folder_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    write(tmp_path, "b.yaml", "stubs: [{name: second, id: mine}]")
    write(tmp_path, "a.json", json.dumps({"stubs": [{"name": "first"}]}))
    write(tmp_path, "sub/c.yml", "stubs: [{name: third}]")
    write(tmp_path, "notes.txt", "no stubs")
    write(tmp_path, ".hidden/d.yaml", "no: stubs")
    stubs = load_folder(tmp_path)
    assert names(stubs) == ["first", "second", "third"]
    assert [stub.id for stub in stubs] == ["a.json#1", "mine", "sub/c.yml#1"]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"stubs": []}')
    assert load_folder(tmp_path) == ()


def test_every_problem_is_listed_with_file_and_line(tmp_path: Path) -> None:
    write(tmp_path, "good.yaml", "stubs: [{id: same}, {id: same}]")
    write(tmp_path, "schema.yaml", "stubs:\n  - name: a\n  - reply: 5\n")
    write(tmp_path, "name.yaml", "stubs:\n  - error:\n      name: Throtling\n")
    write(tmp_path, "syntax.json", '{"stubs":\n[}')
    write(tmp_path, "twice.yaml", "stubs: []\nstubs: []")
    (tmp_path / "latin.yaml").write_bytes(b"stubs: \xff")
    with pytest.raises(StubError) as caught:
        load_folder(tmp_path)
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "latin.yaml", "name.yaml, line 3", "schema.yaml, line 3", "syntax.json, line 2", "twice.yaml, line 2",
        "the id 'same' stands 2 times",
    ]  # fmt: skip
    assert "stubs[1].reply is 5; it must be a text or an object." in lines[2]
    assert "Did you mean Throttling" in lines[1]


@pytest.mark.parametrize(
    ("text", "says"), [("", "must be an object"), ("# " + "x" * (1 << 20), "larger than")], ids=["empty", "large"]
)
def test_a_file_that_is_no_stub_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    write(tmp_path, "a.yaml", text)
    with pytest.raises(StubError, match=says):
        load_folder(tmp_path)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StubError, match="does not exist"):
        load_folder(tmp_path / "nope")


# --- watching


def test_a_change_is_applied_and_a_bad_one_refused_while_the_old_runs_on(tmp_path: Path) -> None:
    applied: list[list[str]] = []
    refused: list[str] = []
    write(tmp_path, "a.yaml", "stubs: [{name: a}]")
    watcher = Watcher(tmp_path, lambda stubs: applied.append(names(stubs)), lambda error: refused.append(str(error)))
    assert not watcher.check()
    write(tmp_path, "b.yaml", "stubs: [{name: b}]")
    assert watcher.check()
    assert not watcher.check()
    write(tmp_path, "b.yaml", "stubs: [{nam: b}]")
    assert watcher.check()
    assert (applied, len(refused)) == ([["a", "b"]], 1)
    (tmp_path / "b.yaml").unlink()
    assert watcher.check()
    assert applied[-1] == ["a"]


def test_a_change_of_the_same_size_is_seen_by_its_time(tmp_path: Path) -> None:
    applied: list[list[str]] = []
    write(tmp_path, "a.yaml", "stubs: [{name: a}]")
    watcher = Watcher(tmp_path, lambda stubs: applied.append(names(stubs)), lambda _: None)
    write(tmp_path, "a.yaml", "stubs: [{name: b}]")
    os.utime(tmp_path / "a.yaml", ns=(1, 1))
    assert watcher.check()
    assert applied == [["b"]]


def test_the_thread_sees_changes_survives_mistakes_and_stops(tmp_path: Path) -> None:
    seen, again = Event(), Event()

    def apply(_: tuple[Stub, ...]) -> None:
        if not seen.is_set():
            seen.set()
            raise RuntimeError("a mistake of the callback")
        again.set()

    watcher = Watcher(tmp_path, apply, lambda _: None, every=0.01)
    watcher.start()
    write(tmp_path, "a.yaml", "stubs: []")
    assert seen.wait(5)
    write(tmp_path, "b.yaml", "stubs: []")
    assert again.wait(5)
    watcher.stop()
