"""The store on disk: a kill at any moment loses nothing that was acknowledged and shows nothing half."""

import errno
import hashlib
import os
import random
import sqlite3
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver.errors import ApiError
from mockserver.files.disk import DataDirError, DiskStore
from mockserver.files.store import MissingFileError

ID = "file-fe-5d5eb068893f4b5e8551ada4"
WRITER = Path(__file__).with_name("crash_writer.py")
ROOT = Path(__file__).parents[2]


def put(store: DiskStore, data: bytes = b"text", *, session: str = "sk-a") -> None:
    store.put(session, "a.txt", data, purpose="file-extract", file_id=ID, created_at=1)


def contents(directory: Path) -> list[str]:
    return sorted(path.name for path in (directory / "contents").iterdir())


def writer(*arguments: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, WRITER, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def check_after_crash(directory: Path, said: bytes) -> int:
    """Open what the writer left and hold it to what it said. Returns the number of acknowledged files."""
    kept: dict[str, str] = {}
    unsure: set[str] = set()
    gone: set[str] = set()
    for words in (line.split() for line in said.decode().splitlines()):
        if words[0] == "put":
            kept[words[1]] = words[2]
        else:
            kept.pop(words[1], None)
            (unsure if words[0] == "deleting" else gone).add(words[1])
    store = DiskStore(directory)
    try:
        for file in store.list("sk-a"):
            data = store.content("sk-a", file.id)
            assert (len(data), file.md5) == (
                file.bytes,
                b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode(),
            )
            assert file.id not in gone
        for file_id, digest in kept.items():
            assert hashlib.sha256(store.content("sk-a", file_id)).hexdigest() == digest
        assert all(store.was_deleted("sk-a", file_id) for file_id in gone)
        assert len(contents(directory)) == store.totals("sk-a")[0]
    finally:
        store.close()
    return len(kept) + len(gone)


def crash_at_random_moments(directory: Path, *, rounds: int, seed: int) -> int:
    choose = random.Random(seed)  # noqa: S311 - repeatable
    acknowledged = 0
    for number in range(rounds):
        place = directory / str(number % 3)  # some directories crash again and again
        said = b""
        with writer(place, number) as process:
            assert process.stdout is not None
            for _ in range(choose.randrange(1, 25)):
                said += process.stdout.readline()
            for _ in range(choose.randrange(20_000)):
                pass
            process.kill()
            said += process.stdout.read()
        acknowledged += check_after_crash(place, said)
    return acknowledged


def test_a_kill_at_a_random_moment_loses_no_acknowledged_file(tmp_path: Path) -> None:
    assert crash_at_random_moments(tmp_path, rounds=5, seed=7) > 5


@pytest.mark.slow
def test_many_kills_lose_no_acknowledged_file(tmp_path: Path) -> None:
    assert crash_at_random_moments(tmp_path, rounds=150, seed=11) > 500


@pytest.mark.parametrize("call", range(30))
def test_a_kill_before_or_after_any_step_leaves_a_whole_store(tmp_path: Path, call: int) -> None:
    with writer(tmp_path, 0, call) as process:
        said, errors = process.communicate()
    assert process.returncode == -9, errors
    check_after_crash(tmp_path, said)
    check_after_crash(tmp_path, said)


def test_files_outlive_a_restart(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    put(store, "你好".encode())
    before = store.list("sk-a")
    store.close()
    store = DiskStore(tmp_path)
    assert store.list("sk-a") == before
    assert store.content("sk-a", ID) == "你好".encode()
    store.close()


def test_equal_ids_of_two_sessions_do_not_meet(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    put(store, b"a's", session="sk-a")
    put(store, b"b's", session="sk-b")
    store.delete("sk-b", ID)
    assert store.content("sk-a", ID) == b"a's"
    store.close()


def test_leftovers_are_removed_and_strangers_are_not(tmp_path: Path) -> None:
    DiskStore(tmp_path).close()
    folder = tmp_path / "contents"
    for name in (f"{ID}@0123456789abcdef", f"{ID}@0123456789abcdef.part", "thesis.docx", f"{ID}.txt"):
        (folder / name).write_bytes(b"")
    DiskStore(tmp_path).close()
    assert contents(tmp_path) == [f"{ID}.txt", "thesis.docx"]


def test_a_content_that_somebody_removed_is_missing(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    put(store)
    (tmp_path / "contents" / contents(tmp_path)[0]).unlink()
    with pytest.raises(MissingFileError):
        store.content("sk-a", ID)
    store.close()


def test_a_failed_upload_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DiskStore(tmp_path)
    monkeypatch.setattr(store, "_insert", _raise(sqlite3.OperationalError("disk I/O error")))
    with pytest.raises(sqlite3.OperationalError):
        put(store)
    assert contents(tmp_path) == []
    monkeypatch.undo()
    put(store)
    store.close()


def test_a_full_disk_is_a_full_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DiskStore(tmp_path)
    monkeypatch.setattr(os, "fsync", _raise(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(ApiError) as refused:
        put(store)
    assert refused.value.entry.name == "InvalidParameter/upload-capacity"
    assert contents(tmp_path) == []
    store.close()


def test_a_directory_serves_one_server(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    with pytest.raises(DataDirError, match="another server uses it"):
        DiskStore(tmp_path)
    store.close()
    DiskStore(tmp_path).close()


def test_a_newer_layout_is_refused_and_left_alone(tmp_path: Path) -> None:
    DiskStore(tmp_path).close()
    with sqlite3.connect(tmp_path / "index.db") as index:
        index.execute("PRAGMA user_version = 99")
    index.close()
    with pytest.raises(DataDirError, match=r"newer version .layout 99, this one knows 1."):
        DiskStore(tmp_path)


def test_a_path_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataDirError, match=r"Cannot keep files in .*file"):
        DiskStore(tmp_path / "file")


def test_an_index_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(DataDirError, match="not a database"):
        DiskStore(tmp_path)


def _raise(error: Exception) -> Callable[..., None]:
    def function(*_: object) -> None:
        raise error

    return function
