"""From file ids to document texts: what qwen-long reads when a request names files.

A file is listed as `processed` at once, but for `parse_delay` seconds after its upload it cannot be read yet,
as with the service. What was read is kept for the next question. Reading is slow and blocks: call it in a
worker thread.
"""

from collections import OrderedDict
from collections.abc import Sequence
from threading import BoundedSemaphore, Event, Lock

from mockserver.engine.documents import Document, DocumentError, Kind, extract
from mockserver.errors import ApiError
from mockserver.files.limits import FileLimits
from mockserver.files.store import FileStore, MissingFileError, StoredFile

MAX_READERS = 2
"""Documents that are parsed at the same time, each in a process of its own."""
MAX_KEPT_CHARACTERS = 64_000_000
MAX_KEPT_FILES = 10_000

_ERRORS: dict[Kind, str] = {
    "blank": "InvalidParameter/file-blank",
    "format": "InvalidParameter/file-format",
    "size": "InvalidParameter/file-size",
    "pages": "InvalidParameter/file-pages",
    "corrupt": "InternalError/file-parsing-error",
    "timeout": "InternalError/file-parsing-timeout",
}


class Library:
    """Reads the files of a store. One for all sessions; several threads may use it."""

    def __init__(
        self, store: FileStore, limits: FileLimits, *, parse_delay: float = 0.0, parse_seconds: float = 30.0
    ) -> None:
        self._store = store
        self._limits = limits
        self._parse_delay = parse_delay
        self._parse_seconds = parse_seconds
        self._read = _Shelf()
        self._readers = BoundedSemaphore(MAX_READERS)
        self._closed = Event()

    def resolve(self, session: str, ids: Sequence[str], *, now: float) -> tuple[str, ...]:
        """The text of each file, a repeated id once. `now` is in epoch seconds. Blocks while it reads.

        Raises:
            ApiError: for the first id that is bad; all ids are looked up before any is read.
                InvalidParameter/file-invalid (never was the session's), file-not-found (deleted),
                file-parsing, file-format, file-blank, file-size, file-pages;
                InternalError/file-parsing-error, file-parsing-timeout.
        """
        files = [self._find(session, file_id) for file_id in dict.fromkeys(ids)]
        if any(now < file.uploaded_at + self._parse_delay for file in files):
            raise ApiError("InvalidParameter/file-parsing")
        return tuple(self._text(file) for file in files)

    def close(self) -> None:
        """End the parsers that run; nothing is read any more."""
        self._closed.set()

    def _find(self, session: str, file_id: str) -> StoredFile:
        file = self._store.get(session, file_id)
        if file is not None:
            return file
        known = self._store.was_deleted(session, file_id)
        raise ApiError(f"InvalidParameter/{'file-not-found' if known else 'file-invalid'}", file_id=file_id)

    def _text(self, file: StoredFile) -> str:
        try:
            return self._document(file).text
        except DocumentError as error:
            raise ApiError(_ERRORS[error.kind], file_id=file.id) from error
        except MissingFileError as error:  # deleted since it was looked up
            raise ApiError("InvalidParameter/file-not-found", file_id=file.id) from error

    def _document(self, file: StoredFile) -> Document:
        if file.bytes > self._limits.max_file_bytes:
            raise DocumentError("size")
        known = self._read.get(file)
        if known is None:
            with self._readers:  # another thread may have read it in the meantime
                known = self._read.get(file) or self._keep(file)
        if isinstance(known, Document):
            return known
        raise DocumentError(known)

    def _keep(self, file: StoredFile) -> Document | Kind:
        """Read the file and remember what came of it, unless it was the clock that stopped it."""
        try:
            read: Document | Kind = extract(
                file.filename,
                self._store.content(file.session, file.id),
                max_pages=self._limits.max_pages,
                deadline_seconds=self._parse_seconds,
                cancelled=self._closed.is_set,
            )
        except DocumentError as error:
            if error.kind == "timeout":
                raise
            read = error.kind
        self._read.put(file, read)
        return read


class _Shelf:
    """What was read, by file. The record of a file has its digest. The least recently used goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[StoredFile, Document | Kind] = OrderedDict()
        self._characters = 0
        self._lock = Lock()

    def get(self, file: StoredFile) -> Document | Kind | None:
        with self._lock:
            found = self._kept.get(file)
            if found is not None:
                self._kept.move_to_end(file)
            return found

    def put(self, file: StoredFile, read: Document | Kind) -> None:
        with self._lock:
            self._characters -= _size(self._kept.get(file))
            self._kept[file] = read
            self._characters += _size(read)
            while self._characters > MAX_KEPT_CHARACTERS or len(self._kept) > MAX_KEPT_FILES:
                self._characters -= _size(self._kept.popitem(last=False)[1])


def _size(read: Document | Kind | None) -> int:
    return len(read.text) if isinstance(read, Document) else 0
