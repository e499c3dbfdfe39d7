"""The text of a document, as qwen-long reads it.

The format is what the file name says, and the content must agree. Plain text (txt, md, csv, json) is decoded
here, in time linear in its size. Everything that has to be parsed (pdf, docx, xlsx, epub, html) goes to a
process of its own (`extract_process.py`) with a deadline and limits on memory and processor time: a hostile
file can hurt only that process.

The service also takes mobi files and images; nobody reads them here, so they are an unsupported format.
"""

import json
import os
import re
import signal
import subprocess
import sys
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from time import monotonic
from typing import Any, Literal

Kind = Literal["blank", "format", "size", "pages", "corrupt", "timeout"]

MAX_CHARACTERS = 40_000_000
"""About 10 million tokens, the longest prompt of qwen-long. A longer text is too large."""

_TEXT = frozenset({"txt", "md", "markdown", "csv", "json"})
_PARSED = {"pdf": "pdf", "docx": "docx", "xlsx": "xlsx", "epub": "epub", "html": "html", "htm": "html"}
_BINARY = re.compile(
    rb"\x89PNG|GIF8[79]a|\xff\xd8\xff|BM.{4}\0\0\0\0|%PDF-|PK[\3\5\7]|\x1f\x8b|\x7fELF|\xd0\xcf\x11\xe0",
    re.DOTALL,
)
"""How PNG, GIF, JPEG, BMP, PDF, ZIP, GZIP, ELF and old Office files begin."""
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_VISIBLE = re.compile(r"[^\s\0-\x1f\x7f\u00ad\u200b-\u200f\u2060\ufeff\ufffd]")
_POLL_SECONDS = 0.1
_OUT_OF_CPU = -getattr(signal, "SIGXCPU", 0)


@dataclass(frozen=True, slots=True)
class Document:
    """What was read. `pages` are pages, sheets or chapters; 1 where the format has none."""

    text: str
    pages: int = 1


class DocumentError(Exception):
    """The file cannot be read, for the reason `kind` says."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        super().__init__(kind)


def _never() -> bool:
    return False


def extract(
    filename: str,
    data: bytes,
    *,
    max_pages: int = 15_000,
    deadline_seconds: float = 30.0,
    cancelled: Callable[[], bool] = _never,
) -> Document:
    """Read a file. Blocks for up to `deadline_seconds`; `cancelled` is asked every tenth of a second.

    Raises:
        DocumentError: blank (no visible character), format (not a supported one, or other content than the
            name says), size (too much text, or too much memory needed), pages, corrupt, timeout.
    """
    suffix = PurePosixPath(filename).suffix[1:].lower()
    if suffix not in _TEXT and suffix not in _PARSED:
        raise DocumentError("format")
    if not data.strip():
        raise DocumentError("blank")
    if suffix in _TEXT:
        document = Document(decode(data))
    elif _PARSED[suffix] == "html":
        document = _parse("html", decode(data).encode(), max_pages, deadline_seconds, cancelled)
    else:
        document = _parse(_PARSED[suffix], data, max_pages, deadline_seconds, cancelled)
    if len(document.text) > MAX_CHARACTERS:
        raise DocumentError("size")
    if document.pages > max_pages:
        raise DocumentError("pages")
    if not _VISIBLE.search(document.text):
        raise DocumentError("blank")
    return document


def decode(data: bytes) -> str:
    """Text from bytes: UTF-8 with or without a mark, UTF-16 with one, or else GB18030.

    Raises:
        DocumentError: format, when the bytes are no text.
    """
    if _BINARY.match(data):
        raise DocumentError("format")
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _is_text(text):
            return text
    raise DocumentError("format")


def _encodings(data: bytes) -> tuple[str, ...]:
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return ("utf-16",)
    return ("utf-8-sig",) if data.startswith(BOM_UTF8) else ("utf-8", "gb18030")


def _is_text(text: str) -> bool:
    """One control character in a hundred is a slip; more, or a NUL, is a binary file."""
    return "\0" not in text and len(_CONTROL.findall(text)) * 100 <= len(text)


def _parse(format_: str, data: bytes, max_pages: int, seconds: float, cancelled: Callable[[], bool]) -> Document:
    answer = _ask(_start(format_, max_pages, seconds), data, monotonic() + seconds, cancelled)
    if "error" in answer:
        raise DocumentError(answer["error"])
    return Document(answer["text"], answer["pages"])


def _start(format_: str, max_pages: int, seconds: float) -> "subprocess.Popen[bytes]":
    """Start the parser by its path: it needs nothing of this package, and -P hides its folder from it."""
    script = Path(__file__).with_name("extract_process.py")
    limits = (str(max_pages), str(MAX_CHARACTERS), str(int(seconds) + 1))
    libraries = os.pathsep.join(entry for entry in sys.path if entry)
    return subprocess.Popen(  # noqa: S603 - this interpreter, our script, numbers
        [sys.executable, "-P", str(script), format_, *limits],
        env={**os.environ, "PYTHONPATH": libraries},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _ask(process: "subprocess.Popen[bytes]", data: bytes, deadline: float, cancelled: Callable[[], bool]) -> Any:
    """The process's answer. The process is gone when this returns or raises."""
    with process:
        try:
            answer = _communicate(process, data, deadline, cancelled)
        finally:
            process.kill()
    try:
        return json.loads(answer)
    except ValueError:  # it died without an answer
        return {"error": "timeout" if process.returncode == _OUT_OF_CPU else "corrupt"}


def _communicate(
    process: "subprocess.Popen[bytes]", data: bytes, deadline: float, cancelled: Callable[[], bool]
) -> bytes:
    pending: bytes | None = data
    while not cancelled() and monotonic() < deadline:
        try:
            return process.communicate(pending, timeout=_POLL_SECONDS)[0]
        except subprocess.TimeoutExpired:
            pending = None  # the rest of it is on its way
    raise DocumentError("timeout")
