"""What a handler returns: a status, headers in the order of the wire, and bytes or frames."""

from collections.abc import Iterable
from dataclasses import dataclass

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Answer:
    """One answer.

    `body` is the whole of it, or an iterable with one SSE frame per item, which is read as it is sent. `gzip`
    compresses the body while it is sent; `headers` say so already.
    """

    status: int
    headers: Headers
    body: bytes | Iterable[bytes]
    gzip: bool = False

    @property
    def is_stream(self) -> bool:
        """Whether the body is made while it is sent."""
        return not isinstance(self.body, bytes)
