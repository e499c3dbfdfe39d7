"""An id leads to the file's text, or to the service's own error for what is wrong with it."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mockserver.engine import documents
from mockserver.engine.documents import Document
from mockserver.errors import ApiError
from mockserver.files import library
from mockserver.files.library import Library
from mockserver.files.limits import FileLimits
from mockserver.files.memory import MemoryStore


class Desk:
    """A library with a store, and ids 1, 2, 3 ... for what is put into it."""

    def __init__(self, limits: FileLimits | None = None, *, parse_delay: float = 0) -> None:
        self.store = MemoryStore()
        self.library = Library(self.store, limits or FileLimits(), parse_delay=parse_delay)
        self.count = 0

    def put(self, name: str, data: bytes = b"text", *, at: float = 100.0, session: str = "sk-a") -> str:
        self.count += 1
        file_id = f"file-fe-{self.count:024x}"
        self.store.put(session, name, data, purpose="file-extract", file_id=file_id, created_at=at)
        return file_id

    def read(self, *ids: str, now: float = 1000.0, session: str = "sk-a") -> tuple[str, ...]:
        return self.library.resolve(session, ids, now=now)

    def refusal(self, *ids: str, now: float = 1000.0, session: str = "sk-a") -> tuple[str, object]:
        with pytest.raises(ApiError) as refused:
            self.read(*ids, now=now, session=session)
        return refused.value.entry.name, refused.value.params.get("file_id")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_texts_come_in_the_order_of_the_ids(desk: Desk) -> None:
    first, second = desk.put("a.txt", b"one"), desk.put("b.html", b"<p>two")
    assert desk.read(second, first, second) == ("two", "one")
    assert desk.read() == ()


@pytest.mark.parametrize("unknown", ["", "file-fe-unknown", "../x", "file-fe-" + "0" * 24])
def test_an_id_that_never_was_is_invalid(desk: Desk, unknown: str) -> None:
    assert desk.refusal(unknown) == ("InvalidParameter/file-invalid", unknown)


def test_another_sessions_file_is_invalid(desk: Desk) -> None:
    file_id = desk.put("a.txt", session="sk-b")
    assert desk.refusal(file_id) == ("InvalidParameter/file-invalid", file_id)


def test_a_deleted_file_cannot_be_found_though_it_was_read(desk: Desk) -> None:
    file_id = desk.put("a.txt")
    assert desk.read(file_id) == ("text",)
    desk.store.delete("sk-a", file_id)
    assert desk.refusal(file_id) == ("InvalidParameter/file-not-found", file_id)


def test_a_file_that_is_deleted_while_it_is_read_cannot_be_found(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    file_id = desk.put("a.txt")
    file = desk.store.get("sk-a", file_id)
    desk.store.delete("sk-a", file_id)
    monkeypatch.setattr(desk.store, "get", lambda *_: file)
    assert desk.refusal(file_id) == ("InvalidParameter/file-not-found", file_id)


def test_parsing_takes_its_time_and_then_ends() -> None:
    desk = Desk(parse_delay=2.5)
    file_id = desk.put("a.txt", at=100.75)
    assert desk.refusal(file_id, now=103.2)[0] == "InvalidParameter/file-parsing"
    assert desk.read(file_id, now=103.25) == ("text",)


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("a.txt", b"", "InvalidParameter/file-blank"),
        ("a.png", b"\x89PNG", "InvalidParameter/file-format"),
        ("a.txt", b"x" * 2001, "InvalidParameter/file-size"),
        ("a.pdf", b"%PDF-1.4 cut", "InternalError/file-parsing-error"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(name: str, data: bytes, error: str) -> None:
    desk = Desk(FileLimits(max_file_bytes=2000))
    good, bad = desk.put("good.txt"), desk.put(name, data)
    assert desk.refusal(good, bad) == (error, bad)
    assert desk.refusal(bad) == (error, bad)


def test_a_file_of_too_many_pages_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_parse", lambda *_: Document("text", 15_001))
    file_id = desk.put("a.pdf", b"%PDF-")
    assert desk.refusal(file_id) == ("InvalidParameter/file-pages", file_id)


@pytest.fixture
def stuck_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "extract_process.py").write_text("while True: pass")
    monkeypatch.setattr(documents, "__file__", str(tmp_path / "documents.py"))


@pytest.mark.usefixtures("stuck_reader")
def test_a_file_that_takes_too_long_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    desk.library = Library(desk.store, FileLimits(), parse_seconds=0.1)
    file_id = desk.put("a.pdf", b"%PDF-")
    assert desk.refusal(file_id) == ("InternalError/file-parsing-timeout", file_id)
    monkeypatch.setattr(library, "extract", lambda *_, **__: Document("late"))
    assert desk.read(file_id) == ("late",)


@pytest.mark.usefixtures("stuck_reader")
def test_closing_ends_the_readers_and_those_who_wait(desk: Desk) -> None:
    ids = [desk.put("a.pdf", b"%PDF-" + bytes([number])) for number in range(4)]
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(desk.refusal, file_id) for file_id in ids]
        desk.library.close()
    assert {answer.result()[0] for answer in answers} == {"InternalError/file-parsing-timeout"}
    assert time.monotonic() - began < 2


def test_a_file_is_read_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = desk.put("a.txt"), desk.put("b.txt", b"")
    assert desk.read(good) == ("text",)
    assert desk.refusal(bad)[0] == "InvalidParameter/file-blank"
    monkeypatch.setattr(desk.store, "content", lambda *_: pytest.fail("read again"))
    assert desk.read(good) == ("text",)
    assert desk.refusal(bad)[0] == "InvalidParameter/file-blank"


def test_a_cleared_session_is_not_remembered(desk: Desk) -> None:
    file_id = desk.put("a.txt", b"old")
    assert desk.read(file_id) == ("old",)
    desk.store.clear("sk-a")
    desk.count = 0
    assert desk.put("a.txt", b"new") == file_id
    assert desk.read(file_id) == ("new",)


def test_what_is_remembered_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "MAX_KEPT_CHARACTERS", 10)
    ids = [desk.put("a.txt", b"four")] + [desk.put("b.txt", b"fives") for _ in range(3)]
    for file_id in ids * 2:
        desk.read(file_id)
    kept = desk.library._read
    assert [file.id for file in kept._kept] == ids[-2:]
    assert kept._characters == 10


def test_a_file_that_two_threads_read_counts_once(desk: Desk) -> None:
    file = desk.store.get("sk-a", desk.put("a.txt"))
    assert file is not None
    kept = desk.library._read
    kept.put(file, Document("text"))
    kept.put(file, Document("text"))
    assert kept._characters == 4


def test_threads_read_the_same(desk: Desk) -> None:
    ids = [desk.put("a.txt", f"text {number}".encode()) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda _: desk.read(*ids), range(8)))
    assert set(read) == {tuple(f"text {number}" for number in range(8))}
