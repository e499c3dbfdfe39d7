"""Multipart forms (RFC 7578): parts with names, kept in memory; their size is bounded before they come here.

A form counts only when its last boundary has come; what follows is ignored. Names are UTF-8 as browsers and SDKs
send them, Latin-1 where they are not. `filename*=` is outside of the RFC, but urllib3 1 sends it for names beyond
ASCII.
"""

import re
from collections.abc import AsyncIterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mockserver.errors import ApiError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS = 100

_EXTENDED_NAME = re.compile(rb"filename\*\s*=\s*([\w-]*)'[\w-]*'([^;\s]+)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a form. `filename` is the client's text and never a path."""

    field: str
    filename: str
    data: bytes


@dataclass(slots=True)
class Form:
    """A multipart body: its files in order, and the values of its text fields by name."""

    files: list[Upload] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)

    def named(self, name: str) -> list[Upload]:
        """The files in the field of that name."""
        return [upload for upload in self.files if upload.field == name]

    def text(self, name: str) -> str:
        """The first value of a text field, empty if there is none."""
        return self.fields.get(name, [""])[0]


async def parse_form(content_type: str, chunks: AsyncIterable[bytes]) -> Form:
    """The form in `chunks`.

    Raises:
        ApiError: `InvalidParameter/body-invalid` if it is no form, broken, incomplete, or has too many parts.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise ApiError("InvalidParameter/body-invalid")
    collector = _Collector()
    try:
        parser = MultipartParser(boundary, collector.callbacks())
        async for chunk in chunks:
            parser.write(chunk)
    except FormParserError:
        raise ApiError("InvalidParameter/body-invalid") from None
    if not collector.ended:
        raise ApiError("InvalidParameter/body-invalid")
    return collector.form


class _Collector:
    """Builds a form out of the parser's callbacks, which come in pieces of any size."""

    def __init__(self) -> None:
        self.form = Form()
        self.ended = False
        self._parts = 0
        self._name = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._data = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        """What the parser is to call."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": lambda data, start, end: self._data.extend(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise FormParserError("too many parts")
        self._disposition = b""
        self._data = bytearray()

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _end(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise FormParserError("a part without a name")
        name = _decode(options[b"name"])
        filename = _filename(self._disposition, options)
        if filename is None:
            self.form.fields.setdefault(name, []).append(_decode(bytes(self._data)))
        else:
            self.form.files.append(Upload(name, filename, bytes(self._data)))

    def _finish(self) -> None:
        self.ended = True


def _filename(disposition: bytes, options: dict[bytes, bytes]) -> str | None:
    extended = _EXTENDED_NAME.search(disposition)
    if extended is None:
        return _decode(options[b"filename"]) if b"filename" in options else None
    charset = "latin-1" if extended[1].lower() == b"iso-8859-1" else "utf-8"
    return unquote(extended[2].decode("latin-1"), charset, "replace")


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
