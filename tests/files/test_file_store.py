"""Both stores behave as the same small model of files, whatever happens in whatever order."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mockserver.errors import ApiError
from mockserver.files.disk import DiskStore
from mockserver.files.memory import MemoryStore
from mockserver.files.store import FileStore, MissingFileError, StoredFile

UUID = "2a7e1c64-4b1d-4d0e-9c77-0d2b8f3a5e61"


def file_id(number: int) -> str:
    return f"file-fe-{number:024x}"


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FileStore]:
    made: FileStore = MemoryStore() if request.param == "memory" else DiskStore(tmp_path / "data")
    yield made
    made.close()


def put(store: FileStore, number: int, data: bytes = b"text", *, session: str = "sk-a") -> StoredFile:
    return store.put(session, "a.txt", data, purpose="file-extract", file_id=file_id(number), created_at=1764499365.5)


def test_a_file_keeps_what_was_said_about_it(store: FileStore) -> None:
    file = store.put(
        "sk-a", "报告.txt", b"hi", purpose="batch", file_id=UUID, created_at=1764499365.9, description="mine"
    )
    assert file == StoredFile(
        id=UUID,
        session="sk-a",
        filename="报告.txt",
        bytes=2,
        purpose="batch",
        uploaded_at=1764499365.9,
        md5=b64encode(hashlib.md5(b"hi", usedforsecurity=False).digest()).decode(),
        description="mine",
    )
    assert (file.created_at, file.status) == (1764499365, "processed")
    assert store.get("sk-a", UUID) == file
    assert store.content("sk-a", UUID) == b"hi"


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "C:\\x.txt",
        "a\0b.txt",
        "",
        ".",
        "x" * 10_000,
        "📄.txt",
        "\n",
        "con",
    ],
)
def test_a_file_name_is_only_a_name(store: FileStore, name: str, tmp_path: Path) -> None:
    store.put("sk-a", name, b"text", purpose="file-extract", file_id=file_id(1), created_at=0)
    assert store.list("sk-a")[0].filename == name
    assert store.content("sk-a", file_id(1)) == b"text"
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert all(name.startswith(("index.db", file_id(1))) for name in names)


def test_a_name_that_utf_8_cannot_carry_is_mended(store: FileStore) -> None:
    file = store.put("sk-a", "a\udc80.txt", b"", purpose="batch", file_id=file_id(1), created_at=0)
    assert store.list("sk-a") == (file,)
    assert file.filename == "a?.txt"


@pytest.mark.parametrize("bad", ["", "../x", "file-fe-", "file-fe-" + "g/" * 12, UUID + "/", UUID + "\n"])
def test_only_ids_of_the_service_are_ids(store: FileStore, bad: str) -> None:
    with pytest.raises(ValueError, match="no file id"):
        store.put("sk-a", "a.txt", b"", purpose="batch", file_id=bad, created_at=0)
    assert store.get("sk-a", bad) is None
    assert not store.delete("sk-a", bad)
    with pytest.raises(MissingFileError):
        store.content("sk-a", bad)


def test_an_id_is_used_once_even_after_its_deletion(store: FileStore) -> None:
    put(store, 1, b"first")
    with pytest.raises(ValueError, match="used already"):
        put(store, 1, b"second")
    assert store.content("sk-a", file_id(1)) == b"first"
    store.delete("sk-a", file_id(1))
    with pytest.raises(ValueError, match="used already"):
        put(store, 1, b"second")


def test_parallel_uploads_obey_the_limit(store: FileStore) -> None:
    def admit(count: int, _: int) -> None:
        if count >= 5:
            raise ApiError("InvalidParameter/upload-number")

    def upload(number: int) -> bool:
        data = bytes([number])
        try:
            store.put("sk-a", "", data, purpose="batch", file_id=file_id(number), created_at=0, admit=admit)
        except ApiError:
            return False
        return store.content("sk-a", file_id(number)) == data

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(upload, range(20))) == 5
    assert store.totals("sk-a") == (5, 5)


def test_memory_is_bounded_over_all_sessions() -> None:
    store = MemoryStore(capacity=10)
    put(store, 1, b"12345678", session="sk-a")
    with pytest.raises(ApiError) as refused:
        put(store, 2, b"123", session="sk-b")
    assert refused.value.entry.name == "InvalidParameter/upload-capacity"
    store.clear("sk-a")
    put(store, 2, b"12345678", session="sk-b")
    store.delete("sk-b", file_id(2))
    put(store, 3, b"1234567890", session="sk-c")


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_the_oldest_deletions_are_forgotten(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"mockserver.files.{kind}.MAX_TOMBSTONES", 2)
    store: FileStore = MemoryStore() if kind == "memory" else DiskStore(tmp_path)
    for number in range(4):
        put(store, number)
        store.delete("sk-a", file_id(number))
    assert [store.was_deleted("sk-a", file_id(number)) for number in range(4)] == [False, False, True, True]
    store.close()


SESSIONS = st.sampled_from(["sk-a", "sk-b", "sk-../x", "sk-é"])
NUMBERS = st.integers(0, 5)


class Stores(RuleBasedStateMachine):
    """The two stores and a dict of lists, told the same."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.memory = MemoryStore()
        self.disk = DiskStore(self.folder.name)
        self.files: dict[str, dict[str, bytes]] = {}
        self.deleted: set[tuple[str, str]] = set()

    @rule(session=SESSIONS, number=NUMBERS, data=st.binary(max_size=20), name=st.text(max_size=8))
    def put(self, session: str, number: int, data: bytes, name: str) -> None:
        key = file_id(number)
        if key in self.files.get(session, {}) or (session, key) in self.deleted:
            return
        for store in (self.memory, self.disk):
            store.put(session, name, data, purpose="file-extract", file_id=key, created_at=1.5)
        self.files.setdefault(session, {})[key] = data

    @rule(session=SESSIONS, number=NUMBERS)
    def delete(self, session: str, number: int) -> None:
        key = file_id(number)
        there = self.files.get(session, {}).pop(key, None) is not None
        assert self.memory.delete(session, key) == self.disk.delete(session, key) == there
        if there:
            self.deleted.add((session, key))

    @rule(session=SESSIONS)
    def clear(self, session: str) -> None:
        self.memory.clear(session)
        self.disk.clear(session)
        self.files.pop(session, None)
        self.deleted = {key for key in self.deleted if key[0] != session}

    @precondition(lambda self: self.files)
    @rule()
    def restart(self) -> None:
        self.disk.close()
        self.disk = DiskStore(self.folder.name)

    @invariant()
    def agree(self) -> None:
        for session in ("sk-a", "sk-b", "sk-../x", "sk-é"):
            files = self.files.get(session, {})
            assert self.memory.list(session) == self.disk.list(session)
            assert [file.id for file in self.disk.list(session)] == [*reversed(files)]
            assert self.memory.totals(session) == (len(files), sum(map(len, files.values())))
            assert self.memory.totals(session) == self.disk.totals(session)
            for key, data in files.items():
                assert self.memory.content(session, key) == self.disk.content(session, key) == data
            for number in range(6):
                gone = (session, file_id(number)) in self.deleted
                assert self.memory.was_deleted(session, file_id(number)) == gone
                assert self.disk.was_deleted(session, file_id(number)) == gone

    @invariant()
    def nothing_is_left_over(self) -> None:
        contents = [*(Path(self.folder.name) / "contents").iterdir()]
        assert len(contents) == sum(map(len, self.files.values()))

    def teardown(self) -> None:
        self.disk.close()
        self.folder.cleanup()


Stores.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestStores = Stores.TestCase
