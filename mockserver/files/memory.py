"""Files in memory: the default store, gone with the process."""

from dataclasses import dataclass, field
from threading import Lock

from mockserver.errors import ApiError
from mockserver.files.store import MAX_TOMBSTONES, Admit, MissingFileError, StoredFile, describe

DEFAULT_CAPACITY = 2 * 1024**3
"""Bytes of all sessions together: the service's 100 GB are more than a test machine has."""


@dataclass(slots=True)
class _Shelf:
    """One session. Both dicts are in the order of uploads and deletions."""

    files: dict[str, tuple[StoredFile, bytes]] = field(default_factory=dict)
    deleted: dict[str, None] = field(default_factory=dict)


class MemoryStore:
    """A `FileStore` of dicts."""

    def __init__(self, *, capacity: int = DEFAULT_CAPACITY) -> None:
        self._capacity = capacity
        self._used = 0
        self._shelves: dict[str, _Shelf] = {}
        self._lock = Lock()

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
        """See `FileStore.put`."""
        file = describe(
            session,
            filename,
            data,
            purpose=purpose,
            file_id=file_id,
            created_at=created_at,
            description=description,
        )
        with self._lock:
            if admit is not None:
                admit(*self._totals(session))
            if self._used + len(data) > self._capacity:
                raise ApiError("InvalidParameter/upload-capacity")
            shelf = self._shelves.setdefault(session, _Shelf())
            if file_id in shelf.files or file_id in shelf.deleted:
                raise ValueError(f"{file_id!r} is used already")
            shelf.files[file_id] = (file, data)
            self._used += len(data)
        return file

    def get(self, session: str, file_id: str) -> StoredFile | None:
        """See `FileStore.get`."""
        with self._lock:
            found = self._shelf(session).files.get(file_id)
        return found[0] if found else None

    def was_deleted(self, session: str, file_id: str) -> bool:
        """See `FileStore.was_deleted`."""
        with self._lock:
            return file_id in self._shelf(session).deleted

    def content(self, session: str, file_id: str) -> bytes:
        """See `FileStore.content`."""
        with self._lock:
            found = self._shelf(session).files.get(file_id)
        if found is None:
            raise MissingFileError(file_id)
        return found[1]

    def delete(self, session: str, file_id: str) -> bool:
        """See `FileStore.delete`."""
        with self._lock:
            shelf = self._shelf(session)
            found = shelf.files.pop(file_id, None)
            if found is None:
                return False
            self._used -= found[0].bytes
            shelf.deleted[file_id] = None
            while len(shelf.deleted) > MAX_TOMBSTONES:
                del shelf.deleted[next(iter(shelf.deleted))]
        return True

    def list(self, session: str) -> tuple[StoredFile, ...]:
        """See `FileStore.list`."""
        with self._lock:
            return tuple(file for file, _ in reversed(self._shelf(session).files.values()))

    def totals(self, session: str) -> tuple[int, int]:
        """See `FileStore.totals`."""
        with self._lock:
            return self._totals(session)

    def clear(self, session: str) -> None:
        """See `FileStore.clear`."""
        with self._lock:
            self._used -= self._totals(session)[1]
            self._shelves.pop(session, None)

    def close(self) -> None:
        """Nothing is open."""

    def _shelf(self, session: str) -> _Shelf:
        return self._shelves.get(session) or _Shelf()

    def _totals(self, session: str) -> tuple[int, int]:
        files = self._shelf(session).files
        return len(files), sum(file.bytes for file, _ in files.values())
