"""A process that reads one document, so that a hostile one can hurt nobody else.

    python extract_process.py FORMAT MAX_PAGES MAX_CHARACTERS CPU_SECONDS < document

It writes `{"text": ..., "pages": ...}` or `{"error": KIND}` with a kind of `documents.DocumentError`. It
imports nothing of this package. Memory and processor time are limited where the system can do that; what an
archive unpacks to is limited before it is unpacked.
"""

import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from io import BytesIO
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

MAX_MEMORY = 2 * 1024**3
MAX_UNPACKED = 256 * 1024**2
"""Bytes an archive may unpack to."""

_BLOCKS = re.compile(
    "address|article|aside|blockquote|br|caption|d[dlt]|div|fieldset|fig.*|footer|form|h[1-6r]|header|li|main"
    "|nav|ol|option|p|pre|section|table|tbody|tfoot|thead|title|tr|ul"
)
_HIDDEN = frozenset({"script", "style", "template"})

Read = tuple[int, Iterable[str]]
"""The number of pages and the texts, in order."""


class _Refused(Exception):  # noqa: N818 - a decision, not a failure
    """The document is refused for the kind that is given."""


def read(format_: str, data: bytes, *, max_pages: int, max_characters: int) -> dict[str, Any]:
    """The answer for one document."""
    try:
        pages, texts = _READERS[format_](data)
        if pages > max_pages:
            raise _Refused("pages")  # noqa: TRY301 - beside the refusals of the readers
        return {"text": _join(texts, max_characters), "pages": pages}
    except _Refused as refusal:
        return {"error": str(refusal)}
    except MemoryError:
        return {"error": "size"}
    except Exception:  # noqa: BLE001 - whatever a parser trips over, the document is to blame
        return {"error": "corrupt"}


def _join(texts: Iterable[str], max_characters: int) -> str:
    kept: list[str] = []
    room = max_characters
    for text in texts:
        room -= len(text) + 1
        if room < 0:
            raise _Refused("size")
        kept.append(text)
    return "\n".join(kept)


def _pdf(data: bytes) -> Read:
    from pypdf import PdfReader  # noqa: PLC0415 - only the reader that is asked for

    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise _Refused("corrupt")
    return len(reader.pages), (page.extract_text() for page in reader.pages)


def _docx(data: bytes) -> Read:
    from docx import Document  # noqa: PLC0415 - only the reader that is asked for

    _archive(data).close()
    document = Document(BytesIO(data))
    body = document.element.body
    rendered = len(body.xpath(".//w:lastRenderedPageBreak"))
    explicit = len(body.xpath(".//w:br[@w:type='page']"))
    return 1 + max(rendered, explicit), _docx_texts(document)


def _docx_texts(document: Any) -> Iterator[str]:
    for section in document.sections:
        if not section.header.is_linked_to_previous:
            yield from _docx_blocks(section.header._element)  # noqa: SLF001 - it has no public body
    yield from _docx_blocks(document.element.body)
    for section in document.sections:
        if not section.footer.is_linked_to_previous:
            yield from _docx_blocks(section.footer._element)  # noqa: SLF001 - it has no public body


def _docx_blocks(element: Any) -> Iterator[str]:
    """Paragraphs and table rows in the order they are read; a row's cells are parted by tabs."""
    for child in element:
        name = _name(child)
        if name == "p":
            yield child.text
        elif name == "tr":
            yield "\t".join(" ".join(_docx_blocks(cell)) for cell in child if _name(cell) == "tc")
        else:
            yield from _docx_blocks(child)


def _xlsx(data: bytes) -> Read:
    archive = _archive(data)
    names = set(archive.namelist())
    if "xl/workbook.xml" not in names:
        raise _Refused("corrupt")
    strings = list(_xlsx_strings(archive)) if "xl/sharedStrings.xml" in names else []
    found = (re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", name) for name in names)
    sheets = [match[0] for match in sorted((match for match in found if match), key=lambda match: int(match[1]))]
    return len(sheets), (row for sheet in sheets for row in _xlsx_rows(archive, sheet, strings))


def _xlsx_strings(archive: zipfile.ZipFile) -> Iterator[str]:
    for item in _elements(archive, "xl/sharedStrings.xml", "si"):
        yield _xlsx_text(item)


def _xlsx_rows(archive: zipfile.ZipFile, sheet: str, strings: list[str]) -> Iterator[str]:
    for row in _elements(archive, sheet, "row"):
        yield "\t".join(_xlsx_cell(cell, strings) for cell in row if _name(cell) == "c")


def _xlsx_cell(cell: ET.Element, strings: list[str]) -> str:
    if cell.get("t") == "inlineStr":
        return _xlsx_text(cell)
    value = next((child.text or "" for child in cell if _name(child) == "v"), "")
    return strings[int(value)] if cell.get("t") == "s" else value


def _xlsx_text(element: ET.Element) -> str:
    """All text, without the readings that East Asian text may carry (`rPh`)."""
    if _name(element) == "t":
        return element.text or ""
    return "".join(_xlsx_text(child) for child in element if _name(child) != "rPh")


def _epub(data: bytes) -> Read:
    archive = _archive(data)
    container = _tree(archive, "META-INF/container.xml")
    package = next(item.get("full-path", "") for item in container.iter() if _name(item) == "rootfile")
    items = list(_tree(archive, package).iter())
    paths = {item.get("id"): unquote(item.get("href", "")) for item in items if _name(item) == "item"}
    spine = [paths[item.get("idref")] for item in items if _name(item) == "itemref"]
    chapters = [normpath(join(dirname(package), path)) for path in spine]
    return len(chapters), (_visible(archive.read(name).decode("utf-8-sig", "replace")) for name in chapters)


def _html(data: bytes) -> Read:
    return 1, [_visible(data.decode("utf-8", "replace"))]


class _Visible(HTMLParser):
    """Collects what a reader sees: a line per block, a tab between cells."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in _HIDDEN:
            self._hidden.append(tag)
        elif tag in {"td", "th"}:
            self.parts.append("\t")
        elif _BLOCKS.fullmatch(tag):
            self.parts.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _HIDDEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and self._hidden[-1] == tag:
            self._hidden.pop()
        elif _BLOCKS.fullmatch(tag):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(re.sub(r"\s+", " ", data))


def _visible(html: str) -> str:
    parser = _Visible()
    parser.feed(html)
    parser.close()
    lines = (re.sub(r" +", " ", line).strip() for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)


def _archive(data: bytes) -> zipfile.ZipFile:
    """A ZIP archive that does not unpack to too much. `zipfile` reads no more than an entry declares."""
    archive = zipfile.ZipFile(BytesIO(data))
    if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
        raise _Refused("size")
    return archive


def _tree(archive: zipfile.ZipFile, name: str) -> ET.Element:
    return ET.fromstring(archive.read(name))  # noqa: S314 - this process exists for hostile input


def _elements(archive: zipfile.ZipFile, name: str, tag: str) -> Iterator[ET.Element]:
    """The elements of a large file one by one, each dropped after use."""
    with archive.open(name) as file:
        for _, element in ET.iterparse(file):  # noqa: S314 - this process exists for hostile input
            if _name(element) == tag:
                yield element
                element.clear()


def _name(element: Any) -> str:
    """The tag without its namespace; nothing for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


_READERS: dict[str, Callable[[bytes], Read]] = {
    "pdf": _pdf,
    "docx": _docx,
    "xlsx": _xlsx,
    "epub": _epub,
    "html": _html,
}


def _limit(cpu_seconds: int) -> None:
    """Bound this process. The processor time ends it also when nobody is left to do so."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    wanted = {resource.RLIMIT_CPU: cpu_seconds, resource.RLIMIT_AS: MAX_MEMORY, resource.RLIMIT_CORE: 0}
    for limit, value in wanted.items():
        hard = resource.getrlimit(limit)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (bound, bound))


def main(format_: str, max_pages: str, max_characters: str, cpu_seconds: str) -> None:
    """Answer for the document on standard input."""
    _limit(int(cpu_seconds))
    data = sys.stdin.buffer.read()
    answer = read(format_, data, max_pages=int(max_pages), max_characters=int(max_characters))
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))


if __name__ == "__main__":
    main(*sys.argv[1:])
