"""Files on disk: the store that a restart, and a kill at any moment, leaves whole.

    DIR/index.db     SQLite, one row per file: the truth about which files there are
    DIR/contents/    one file of bytes per row, named by the file's id and a digest of its session

A content is written beside its final name, synced, renamed, and the folder synced; only then is its row
committed, and only then is the upload acknowledged. A deletion commits the row first. So at every moment a
row has its whole content, and what a kill leaves over (a half-written content, one without a row) is
removed at the next start. Nothing that a client chooses takes part in a path: an id must match a strict
pattern, a session is hashed, a file name is only a column.

The index is locked for one process. Threads share it.
"""

import errno
import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from threading import Lock
from typing import Any

from mockserver.errors import ApiError
from mockserver.files.store import MAX_TOMBSTONES, Admit, MissingFileError, StoredFile, describe

LAYOUT = 1
"""`PRAGMA user_version` of the index. A change of the tables below raises it."""

_TABLES = f"""
    CREATE TABLE files (
        serial INTEGER PRIMARY KEY AUTOINCREMENT,
        session TEXT NOT NULL,
        id TEXT NOT NULL,
        filename TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        purpose TEXT NOT NULL,
        uploaded_at REAL NOT NULL,
        md5 TEXT NOT NULL,
        description TEXT NOT NULL,
        UNIQUE (session, id)
    );
    CREATE TABLE tombstones (
        serial INTEGER PRIMARY KEY AUTOINCREMENT,
        session TEXT NOT NULL,
        id TEXT NOT NULL,
        UNIQUE (session, id)
    );
    PRAGMA user_version = {LAYOUT};
"""
_OURS = re.compile(r"(?:file-[a-z_]+-[0-9A-Za-z]{24}|[0-9a-f-]{36})@[0-9a-f]{16}(?:\.part)?", re.ASCII)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# The columns are the fields of `StoredFile`, in order.
_GET = """
    SELECT id, session, filename, bytes, purpose, uploaded_at, md5, description FROM files
    WHERE session = ? AND id = ?
"""
_LIST = """
    SELECT id, session, filename, bytes, purpose, uploaded_at, md5, description FROM files
    WHERE session = ? ORDER BY serial DESC
"""
_INSERT = """
    INSERT INTO files (id, session, filename, bytes, purpose, uploaded_at, md5, description)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_KNOWN = """
    SELECT 1 FROM files WHERE session = :session AND id = :id
    UNION SELECT 1 FROM tombstones WHERE session = :session AND id = :id
"""
_TOTALS = "SELECT count(*), coalesce(sum(bytes), 0) FROM files WHERE session = ?"
_DELETE = "DELETE FROM files WHERE session = ? AND id = ?"
_REMEMBER = "INSERT INTO tombstones (session, id) VALUES (?, ?)"
_FORGET = """
    DELETE FROM tombstones WHERE session = :session AND serial <= (
        SELECT serial FROM tombstones WHERE session = :session ORDER BY serial DESC LIMIT 1 OFFSET :keep)
"""


class DataDirError(Exception):
    """The data directory cannot be used. The text says why, for the person who started the server."""


class DiskStore:
    """A `FileStore` in a directory, which is made if it is not there.

    Raises:
        DataDirError: the directory cannot be written, is used by another server, or has a newer layout.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._contents = Path(directory) / "contents"
        self._lock = Lock()
        try:
            self._contents.mkdir(parents=True, exist_ok=True)
            for folder in (self._contents, self._contents.parent):
                _sync_folder(folder)
            self._index = _open(Path(directory) / "index.db")
        except OSError as error:
            raise DataDirError(f"Cannot keep files in {directory}: {error.strerror}.") from error
        except sqlite3.Error as error:
            raise DataDirError(f"Cannot use {Path(directory) / 'index.db'}: {_explain(error)}.") from error
        self._remove_leftovers()

    def put(  # noqa: PLR0913 - see FileStore.put
        self,
        session: str,
        filename: str,
        data: bytes,
        *,
        purpose: str,
        file_id: str,
        created_at: float,
        description: str = "",
        admit: Admit | None = None,
    ) -> StoredFile:
        """See `FileStore.put`. Returns when a power cut could no longer lose the file."""
        file = describe(
            session,
            filename,
            data,
            purpose=purpose,
            file_id=file_id,
            created_at=created_at,
            description=description,
        )
        content = self._path(session, file_id)
        with _room(), _part(content, data) as part, self._lock:
            if admit is not None:
                admit(*self._totals(session))
            if self._known(session, file_id):
                raise ValueError(f"{file_id!r} is used already")
            part.replace(content)
            try:
                _sync_folder(self._contents)
                self._insert(file)
            except BaseException:
                content.unlink()
                raise
        return file

    def get(self, session: str, file_id: str) -> StoredFile | None:
        """See `FileStore.get`."""
        rows = self._rows(_GET, session, file_id)
        return StoredFile(*rows[0]) if rows else None

    def was_deleted(self, session: str, file_id: str) -> bool:
        """See `FileStore.was_deleted`."""
        return bool(self._rows("SELECT 1 FROM tombstones WHERE session = ? AND id = ?", session, file_id))

    def content(self, session: str, file_id: str) -> bytes:
        """See `FileStore.content`."""
        if self.get(session, file_id) is None:
            raise MissingFileError(file_id)
        try:
            return self._path(session, file_id).read_bytes()
        except FileNotFoundError as error:
            raise MissingFileError(file_id) from error

    def delete(self, session: str, file_id: str) -> bool:
        """See `FileStore.delete`."""
        with self._lock:
            with self._index:
                self._index.execute("BEGIN IMMEDIATE")
                found = self._index.execute(_DELETE, (session, file_id))
                if not found.rowcount:
                    return False
                self._index.execute(_REMEMBER, (session, file_id))
                self._index.execute(_FORGET, {"session": session, "keep": MAX_TOMBSTONES})
            self._path(session, file_id).unlink(missing_ok=True)
        return True

    def list(self, session: str) -> tuple[StoredFile, ...]:
        """See `FileStore.list`."""
        return tuple(StoredFile(*row) for row in self._rows(_LIST, session))

    def totals(self, session: str) -> tuple[int, int]:
        """See `FileStore.totals`."""
        with self._lock:
            return self._totals(session)

    def clear(self, session: str) -> None:
        """See `FileStore.clear`."""
        with self._lock:
            with self._index:
                self._index.execute("BEGIN IMMEDIATE")
                gone = self._index.execute("DELETE FROM files WHERE session = ? RETURNING id", (session,)).fetchall()
                self._index.execute("DELETE FROM tombstones WHERE session = ?", (session,))
            for (file_id,) in gone:
                self._path(session, file_id).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the index and unlock the directory."""
        with self._lock:
            self._index.close()

    def _path(self, session: str, file_id: str) -> Path:
        name = f"{file_id}@{hashlib.sha256(session.encode()).hexdigest()[:16]}"
        if not _OURS.fullmatch(name):
            raise ValueError(f"{file_id!r} is no file id")
        return self._contents / name

    def _rows(self, query: str, *values: str) -> Sequence[tuple[Any, ...]]:
        with self._lock:
            return self._index.execute(query, values).fetchall()

    def _totals(self, session: str) -> tuple[int, int]:
        count, size = self._index.execute(_TOTALS, (session,)).fetchone()
        return count, size

    def _known(self, session: str, file_id: str) -> bool:
        return self._index.execute(_KNOWN, {"session": session, "id": file_id}).fetchone() is not None

    def _insert(self, file: StoredFile) -> None:
        self._index.execute(_INSERT, astuple(file))

    def _remove_leftovers(self) -> None:
        rows = self._rows("SELECT session, id FROM files")
        kept = {self._path(session, file_id).name for session, file_id in rows}
        for path in self._contents.iterdir():
            if path.name not in kept and _OURS.fullmatch(path.name):
                path.unlink()


def _open(path: Path) -> sqlite3.Connection:
    """Autocommit; every commit is synced; the first transaction locks out other processes until the end."""
    index = sqlite3.connect(path, timeout=0.2, isolation_level=None, check_same_thread=False)
    try:
        index.execute("PRAGMA locking_mode = EXCLUSIVE")
        index.execute("PRAGMA journal_mode = WAL")
        index.execute("PRAGMA synchronous = FULL")
        _prepare(index, path)
    except BaseException:
        index.close()
        raise
    return index


def _prepare(index: sqlite3.Connection, path: Path) -> None:
    layout = index.execute("PRAGMA user_version").fetchone()[0]
    if layout > LAYOUT:
        raise DataDirError(
            f"{path} was written by a newer version (layout {layout}, this one knows {LAYOUT})."
            " Update dashscope-mock or choose another --data-dir."
        )
    index.executescript(f"BEGIN IMMEDIATE; {'' if layout else _TABLES} COMMIT;")


@contextmanager
def _part(content: Path, data: bytes) -> Iterator[Path]:
    """The data in a file of its own, synced, and gone at the end unless it got its final name."""
    part = content.with_name(f"{content.name}.part")
    try:
        file = part.open("xb")
    except FileExistsError as error:
        raise ValueError(f"{content.name} is being written already") from error
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield part
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _room() -> Iterator[None]:
    """A full disk is the service's full storage."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        if full or getattr(error, "errno", None) in _NO_ROOM:
            raise ApiError("InvalidParameter/upload-capacity") from error
        raise


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows syncs names with the files
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _explain(error: sqlite3.Error) -> str:
    return "another server uses it" if "locked" in str(error) else str(error)
