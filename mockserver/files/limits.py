"""What an upload may be: purpose, size, and how much a session may keep."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from mockserver.errors import ApiError
from mockserver.generation import Dialect

_MB = 1024**2

PURPOSES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "2026": frozenset({"file-extract", "batch", "fine-tune"}),
        "2024": frozenset({"file-extract", "batch"}),
    }
)
"""By profile. The message of 2024-07 names `file-extract` alone; its documents already describe batch
files."""

_IMAGES = frozenset({".bmp", ".png", ".jpg", ".jpeg", ".gif"})


@dataclass(frozen=True, slots=True)
class FileLimits:
    """The documented limits of one session (2026-03). Sizes are in bytes, lengths in tokens."""

    max_files: int = 10_000
    max_total_bytes: int = 100 * 1024 * _MB
    max_file_bytes: int = 150 * _MB
    max_image_bytes: int = 20 * _MB
    max_batch_bytes: int = 500 * _MB
    max_tuning_bytes: int = 300 * _MB
    max_pages: int = 15_000
    max_documents: int = 100
    """As many ids in one question are too many (page of 2024-05: "greater than or equal to 100")."""
    max_round_tokens: int = 9_000
    max_total_tokens: int = 10_000_000

    def largest(self, purpose: str, filename: str) -> int:
        """How large a file of this purpose and name may be."""
        if purpose == "batch":
            return self.max_batch_bytes
        if purpose == "fine-tune":
            return self.max_tuning_bytes
        image = PurePosixPath(filename).suffix.lower() in _IMAGES
        return self.max_image_bytes if image else self.max_file_bytes


def check_file(limits: FileLimits, *, purpose: str, filename: str, size: int, profile: str) -> None:
    """Refuse a file for what it is.

    Raises:
        ApiError: InvalidParameter/file-purpose, BadRequest.TooLarge.
    """
    if purpose not in PURPOSES[profile]:
        raise ApiError("InvalidParameter/file-purpose")
    if size > limits.largest(purpose, filename):
        raise ApiError("BadRequest.TooLarge")


def check_room(limits: FileLimits, *, size: int, count: int, total: int, dialect: Dialect) -> None:
    """Refuse a file of `size` bytes for the `count` files of `total` bytes that are there.

    Raises:
        ApiError: InvalidParameter/upload-number (native: BadRequest.TooMany),
        InvalidParameter/upload-capacity.
    """
    if count >= limits.max_files:
        if dialect == "native":
            raise ApiError("BadRequest.TooMany", used=count, limit=limits.max_files)
        raise ApiError("InvalidParameter/upload-number")
    if total + size > limits.max_total_bytes:
        raise ApiError("InvalidParameter/upload-capacity")
