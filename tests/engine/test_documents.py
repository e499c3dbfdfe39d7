"""Every format is read for what a person would read, and every bad file is refused for its own reason."""

import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import docx
import pytest
from docx.enum.text import WD_BREAK
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from mockserver.engine import documents, extract_process
from mockserver.engine.documents import Document, DocumentError, decode, extract

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
CHINESE = "百炼系列手机产品介绍"


def pdf(*texts: str) -> bytes:
    """A PDF written by hand: one page per text."""
    pages = range(3, 3 + 2 * len(texts), 2)
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(texts)} /Kids [{' '.join(f'{page} 0 R' for page in pages)}] >>",
    ]
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    for page, text in zip(pages, texts, strict=True):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {page + 1} 0 R"
            f" /Resources << /Font << /F1 {font} >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    body = "%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return f"{body}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode("latin-1")


def locked_pdf(password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf("secret"))))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
    return saved(writer.write)


def word(*paragraphs: str, breaks: int = 0) -> bytes:
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    for _ in range(breaks):
        document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
    return saved(document.save)


def saved(save: Callable[[BytesIO], object]) -> bytes:
    stream = BytesIO()
    save(stream)
    return stream.getvalue()


def archive(**entries: str | bytes) -> bytes:
    return repacked(b"", entries)


def repacked(data: bytes, entries: dict[str, str | bytes]) -> bytes:
    """The ZIP archive with some entries replaced or added."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        if data:
            with zipfile.ZipFile(BytesIO(data)) as old:
                for name in old.namelist():
                    if name not in entries:
                        new.writestr(name, old.read(name))
        for name, content in entries.items():
            new.writestr(name, content)
    return stream.getvalue()


def refusal(filename: str, data: bytes, *, max_pages: int = 15_000, deadline_seconds: float = 30) -> str:
    with pytest.raises(DocumentError) as refused:
        extract(filename, data, max_pages=max_pages, deadline_seconds=deadline_seconds)
    return refused.value.kind


# What is read


@pytest.mark.parametrize("name", ["a.txt", "a.md", "A.CSV", "a.json", "报告.markdown", "../../x.txt", "x.y.txt"])
def test_text_is_read_as_it_is(name: str) -> None:
    assert extract(name, b'{"a": 1}\r\n') == Document('{"a": 1}\r\n', 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk"])
def test_text_is_read_in_the_encodings_people_use(encoding: str) -> None:
    assert extract("a.txt", CHINESE.encode(encoding)).text == CHINESE


@given(st.text().filter(lambda text: documents._is_text(text) and not text.startswith("\ufeff")))
def test_all_text_survives_utf_8(text: str) -> None:
    if not documents._BINARY.match(text.encode()):
        assert decode(text.encode()) == text


@given(st.binary())
def test_bytes_are_text_or_refused(data: bytes) -> None:
    with suppress(DocumentError):
        assert "\0" not in decode(data)


def test_pdf_pages_are_read_in_order() -> None:
    document = extract("a.PDF", pdf("Hello from page one", "and two"))
    assert document == Document("Hello from page one\nand two", 2)


def test_a_pdf_that_anybody_may_open_is_read() -> None:
    assert extract("a.pdf", locked_pdf("")).text == "secret"


def test_docx_is_read_with_tables_header_and_footer() -> None:
    document = docx.Document()
    section = document.sections[0]
    section.header.paragraphs[0].text = "the header"
    section.footer.paragraphs[0].text = "the footer"
    document.add_paragraph(CHINESE)
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip((cell for row in table.rows for cell in row.cells), "abcd", strict=True):
        cell.text = text
    document.add_paragraph("after the table")
    read = extract("a.docx", saved(document.save))
    assert read == Document(f"the header\n{CHINESE}\na\tb\nc\td\nafter the table\nthe footer", 1)


def test_docx_pages_are_its_page_breaks() -> None:
    assert extract("a.docx", word("text", breaks=3)).pages == 4


def test_html_is_read_as_a_reader_sees_it() -> None:
    page = """<!DOCTYPE html><html><head><title>T</title><style>p {color: red}</style></head><body>
    <!-- not this --><p>One <b>bold</b>
    word &amp; more<br>next</p><script>alert("no")</script>
    <table><tr><td>a</td><td>b</td></tr></table><template>no</template></body></html>"""
    assert extract("a.html", page.encode()).text == "T\nOne bold word & more\nnext\na\tb"


def test_xlsx_is_read_by_rows() -> None:
    sheet = (
        '<worksheet xmlns="urn:x"><sheetData><row><c t="s"><v>1</v></c><c><v>42</v></c></row>'
        '<row><c t="inlineStr"><is><t>in</t></is></c><c/></row></sheetData></worksheet>'
    )
    strings = (
        f'<sst xmlns="urn:x"><si><t>no</t></si><si><r><t>{CHINESE}</t></r><rPh><t>x</t></rPh><r><t>!</t></r></si></sst>'
    )
    entries: dict[str, str | bytes] = {
        "xl/workbook.xml": "<workbook/>",
        "xl/sharedStrings.xml": strings,
        "xl/worksheets/sheet1.xml": sheet,
        "xl/worksheets/sheet10.xml": sheet.replace("42", "10"),
        "xl/worksheets/sheet2.xml": sheet.replace("42", "2"),
    }
    text = extract("a.xlsx", repacked(b"", entries)).text
    assert text == "\n".join(f"{CHINESE}!\t{number}\nin\t" for number in (42, 2, 10))


def test_epub_is_read_in_the_order_of_its_spine() -> None:
    package = (
        '<package><manifest><item id="a" href="text/a%20b.xhtml"/><item id="b" href="b.xhtml"/></manifest>'
        '<spine><itemref idref="b"/><itemref idref="a"/></spine></package>'
    )
    entries: dict[str, str | bytes] = {
        "META-INF/container.xml": '<container><rootfile full-path="OEBPS/x.opf"/></container>',
        "OEBPS/x.opf": package,
        "OEBPS/text/a b.xhtml": "<p>second</p>",
        "OEBPS/b.xhtml": "<p>first</p>",
    }
    assert extract("a.epub", repacked(b"", entries)) == Document("first\nsecond", 2)


# What is refused


@pytest.mark.parametrize("name", ["a.png", "a.exe", "a.mobi", "a.doc", "a", "", ".txt", "a.txt/..", "a.txt\0.png"])
def test_an_unknown_extension_is_an_unsupported_format(name: str) -> None:
    assert refusal(name, b"text") == "format"


@pytest.mark.parametrize("content", [PNG, pdf("x"), b"PK\3\4zip", b"a\0b", bytes(range(256)) * 9, b"\xff\xfe\0\0a"])
def test_binary_content_in_a_text_file_is_an_unsupported_format(content: bytes) -> None:
    assert refusal("a.txt", content) == refusal("a.html", content) == "format"


@pytest.mark.parametrize("content", [b"", b" \n\t \r\n", "\ufeff".encode(), "\u3000\u200b".encode()])
def test_a_file_without_a_visible_character_is_blank(content: bytes) -> None:
    assert refusal("a.txt", content) == "blank"


def test_a_parsed_file_without_text_is_blank() -> None:
    assert refusal("a.docx", word(" ")) == "blank"
    assert refusal("a.pdf", pdf("")) == "blank"
    assert refusal("a.html", b"<style>p{}</style><p>&nbsp;</p>") == "blank"
    assert refusal("a.pdf", b"") == "blank"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b"no PDF at all"),
        ("a.pdf", PNG),
        ("a.pdf", pdf("x")[:60]),
        ("a.pdf", locked_pdf("password")),
        ("a.docx", b"PK\3\4 no archive"),
        ("a.docx", word("x")[:2000]),
        ("a.docx", archive(mimetype="application/epub+zip")),
        ("a.docx", repacked(word("x"), {"word/document.xml": "<w:document"})),
        ("a.xlsx", word("x")),
        ("a.epub", archive(mimetype="application/epub+zip")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_not_what_it_says_is_corrupt(name: str, content: bytes) -> None:
    assert refusal(name, content) == "corrupt"


def test_too_many_pages_are_refused() -> None:
    assert refusal("a.pdf", pdf("1", "2", "3"), max_pages=2) == "pages"
    assert refusal("a.docx", word("x", breaks=2), max_pages=2) == "pages"
    assert extract("a.pdf", pdf("1", "2"), max_pages=2).pages == 2


def test_too_much_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_CHARACTERS", 10)
    assert refusal("a.txt", b"x" * 11) == refusal("a.pdf", pdf("x" * 11)) == "size"
    assert extract("a.txt", b"x" * 10).text == "x" * 10


# What is hostile


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked() -> None:
    bomb = repacked(word("x"), {"word/media/bomb.bin": b"\0" * (extract_process.MAX_UNPACKED + 1)})
    assert len(bomb) < 1_000_000
    assert refusal("bomb.docx", bomb) == "size"


def test_entities_that_multiply_do_no_harm() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    laughs = f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><x>&e11;</x>'
    sheet: dict[str, str | bytes] = {"xl/workbook.xml": "<w/>", "xl/worksheets/sheet1.xml": laughs}
    assert refusal("a.xlsx", repacked(b"", sheet)) in {"corrupt", "size", "blank"}
    assert refusal("a.docx", repacked(word("x"), {"word/document.xml": laughs})) == "corrupt"


def test_deep_nesting_is_corrupt() -> None:
    start, end = "<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"
    xml = (
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
        f"{start * 50_000}<w:p/>{end * 50_000}</w:body></w:document>"
    )
    assert refusal("a.docx", repacked(word("x"), {"word/document.xml": xml})) == "corrupt"


@pytest.mark.usefixtures("slow_reader")
def test_a_reader_that_takes_too_long_is_stopped() -> None:
    began = time.monotonic()
    assert refusal("a.pdf", pdf("x"), deadline_seconds=0.3) == "timeout"
    assert time.monotonic() - began < 2


@pytest.mark.usefixtures("slow_reader")
def test_a_reader_that_is_not_wanted_any_more_is_stopped() -> None:
    answers = iter([False, True])
    began = time.monotonic()
    with pytest.raises(DocumentError, match="timeout"):
        extract("a.pdf", pdf("x"), cancelled=lambda: next(answers), deadline_seconds=5)
    assert time.monotonic() - began < 2


def test_a_reader_that_dies_leaves_a_corrupt_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "extract_process.py"
    script.write_text("import os; os.abort()")
    monkeypatch.setattr(documents, "__file__", str(tmp_path / "documents.py"))
    assert refusal("a.pdf", pdf("x") * 1000) == "corrupt"


@pytest.fixture
def slow_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "extract_process.py"
    script.write_text("while True: pass")
    monkeypatch.setattr(documents, "__file__", str(tmp_path / "documents.py"))


@settings(max_examples=80)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_but_never_raises(data: st.DataObject) -> None:
    """In this process, where an exception would show."""
    name, whole = data.draw(st.sampled_from([("pdf", pdf("Hello")), ("docx", word("Hello")), ("html", b"<p>x<")]))
    start = data.draw(st.integers(0, len(whole)))
    damaged = whole[:start] + data.draw(st.binary(max_size=30)) + whole[start + data.draw(st.integers(0, 60)) :]
    answer = extract_process.read(name, damaged, max_pages=10, max_characters=1000)
    assert answer.get("error") in {None, "corrupt", "size", "pages"}
    assert ("text" in answer) != ("error" in answer)
