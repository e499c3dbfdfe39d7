"""What a file store must do.

A store keeps files by session and id. It knows no clock and makes no ids: both are handed in. A session never
sees another session's files, not even when both use the same id. A deleted id stays known for a while,
because the service answers it differently from an id that never was. Every store may be used by several
threads.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MAX_TOMBSTONES = 10_000
"""How many deleted ids a session remembers."""

Admit = Callable[[int, int], None]
"""Told the number and the bytes of the files that are there; raises if one more is too many."""

_ID = re.compile(
    r"file-(?:fe|batch|batch_output|ft)-[0-9A-Za-z]{24}"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    re.ASCII,
)


class MissingFileError(LookupError):
    """The session has no such file (any more)."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file besides its content.

    `bytes` is its size, `md5` is base64 as the native dialect shows it, `uploaded_at` is in epoch seconds.
    """

    id: str
    session: str
    filename: str
    bytes: int
    purpose: str
    uploaded_at: float
    md5: str
    description: str = ""

    @property
    def created_at(self) -> int:
        """The whole second of the upload, as both dialects show it."""
        return int(self.uploaded_at)

    @property
    def status(self) -> str:
        """Always `processed`, from the upload on (recorded 2024-07 and 2025-11)."""
        return "processed"


class FileStore(Protocol):
    """Files of all sessions."""

    def put(  # noqa: PLR0913 - a file has this many properties
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
        """Keep a file. `admit` decides in one step with the count, so that parallel uploads obey the limits.

        Raises:
            ValueError: `file_id` is no file id, or the session has used it already.
            ApiError: no room is left; and whatever `admit` raises.
        """

    def get(self, session: str, file_id: str) -> StoredFile | None:
        """The file, unless it is unknown or deleted."""

    def was_deleted(self, session: str, file_id: str) -> bool:
        """Whether the id was a file once."""

    def content(self, session: str, file_id: str) -> bytes:
        """The bytes that were uploaded.

        Raises:
            MissingFileError: unknown or deleted.
        """

    def delete(self, session: str, file_id: str) -> bool:
        """Forget the file. False if there was none."""

    def list(self, session: str) -> tuple[StoredFile, ...]:
        """The session's files, newest first."""

    def totals(self, session: str) -> tuple[int, int]:
        """How many files the session has, and how many bytes they hold."""

    def clear(self, session: str) -> None:
        """Forget the session: its files and its deleted ids."""

    def close(self) -> None:
        """Let go of what the store holds open."""


def describe(  # noqa: PLR0913 - see FileStore.put
    session: str,
    filename: str,
    data: bytes,
    *,
    purpose: str,
    file_id: str,
    created_at: float,
    description: str,
) -> StoredFile:
    """The record of a new file. Text that UTF-8 cannot carry is replaced, so that every file can be listed.

    Raises:
        ValueError: `file_id` is no file id.
    """
    if not _ID.fullmatch(file_id):
        raise ValueError(f"{file_id!r} is no file id")
    return StoredFile(
        id=file_id,
        session=session,
        filename=_encodable(filename),
        bytes=len(data),
        purpose=_encodable(purpose),
        uploaded_at=created_at,
        md5=b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode(),
        description=_encodable(description),
    )


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
