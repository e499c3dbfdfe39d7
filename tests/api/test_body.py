import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.api.body import ClientGoneError, read_body, read_form
from mockserver.api.multipart import Form
from mockserver.errors import ApiError
from mockserver.exchange import Exchange
from mockserver.profiles import PROFILES
from mockserver.settings import MEBIBYTE, Settings

BOUNDARY = "xyz"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
BODY_INVALID = "InvalidParameter/body-invalid"


def exchange(chunks: list[bytes], **headers: str) -> Exchange:
    left = list(chunks)

    async def receive() -> Any:
        if not left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Exchange("id", 1, "native", "POST", "/", PROFILES["2026"], headers=given, receive=receive)


def body(chunks: list[bytes], limit: int = 100, **headers: str) -> bytes:
    return asyncio.run(read_body(exchange(chunks, **headers), Settings(max_body_bytes=limit)))


def form(data: bytes, content_type: str = FORM_TYPE, limit: int = MEBIBYTE) -> Form:
    settings = Settings(max_upload_bytes=limit)
    pieces = [data[start : start + 50] for start in range(0, len(data), 50)] or [b""]
    return asyncio.run(read_form(exchange(pieces, content_type=content_type), settings))


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"'.encode() if filename is not None else b""
    return b'--xyz\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n' % (
        name.encode(),
        file,
        value,
    )


def refused(name: str, call: Any, *arguments: Any, **keywords: Any) -> None:
    with pytest.raises(ApiError) as error:
        call(*arguments, **keywords)
    assert error.value.entry.name == name


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_a_body_is_all_its_chunks(chunks: list[bytes]) -> None:
    assert body(chunks) == b"".join(chunks)


def test_a_body_above_the_limit_is_refused() -> None:
    assert body([b"x" * 60, b"x" * 40]) == b"x" * 100
    refused("BadRequest.TooLarge", body, [b"x" * 60, b"x" * 41])


def test_an_announced_length_above_the_limit_is_refused_unread() -> None:
    refused("BadRequest.TooLarge", body, [], content_length="101")
    refused("BadRequest.TooLarge", body, [], content_length="9" * 5000)


@pytest.mark.parametrize("length", ["", "many", "-1", "²"])
def test_a_length_that_is_no_number_is_not_believed(length: str) -> None:
    assert body([b"ab"], content_length=length) == b"ab"


def test_a_client_that_leaves_is_told_apart() -> None:
    with pytest.raises(ClientGoneError):
        body([])


def test_a_body_that_does_not_come_is_not_waited_for_long() -> None:
    async def receive() -> Any:
        await asyncio.Event().wait()

    waiting = exchange([])
    waiting.receive = receive
    settings = Settings(body_timeout=0.02)
    refused("RequestTimeOut", lambda: asyncio.run(read_body(waiting, settings)))


def test_a_form_has_files_and_fields() -> None:
    found = form(
        part("files", b"one", "a.txt") + part("files", b"two", "路径/../b.txt") + part("note", b"x") + b"--xyz--\r\n"
    )
    assert [(file.filename, file.data) for file in found.named("files")] == [
        ("a.txt", b"one"),
        ("路径/../b.txt", b"two"),
    ]
    assert found.named("file") == []
    assert (found.text("note"), found.text("purpose")) == ("x", "")


def test_a_line_end_after_the_last_boundary_is_no_error() -> None:
    # openai for JavaScript 4 sends one.
    assert form(part("file", b"x", "a") + b"--xyz--\r\n\r\n").named("file")[0].data == b"x"


@given(data=st.binary(max_size=300))
def test_what_is_uploaded_is_what_is_kept(data: bytes) -> None:
    if b"\r\n--xyz" not in b"\r\n" + data:
        assert form(part("file", data, "a") + b"--xyz--\r\n").named("file")[0].data == data


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b"{}", "application/json"),
        (b"", FORM_TYPE),
        (b"nonsense", FORM_TYPE),
        (part("file", b"x", "a"), FORM_TYPE),
        (part("file", b"x", "a")[:-5], FORM_TYPE),
        (b"--xyz\r\n\r\nx\r\n--xyz--\r\n", FORM_TYPE),
        (b"--xyz\r\nContent-Disposition: form-data\r\n\r\nx\r\n--xyz--\r\n", FORM_TYPE),
        (b"--xyz--\r\n", "multipart/form-data"),
        (b"--xyz--\r\n", "multipart/form-data; boundary="),
        (b"--xyz--\r\n", ""),
        (part("a", b"x") * 101 + b"--xyz--\r\n", FORM_TYPE),
        (part("a", b"x", "f") * 101 + b"--xyz--\r\n", FORM_TYPE),
    ],
)
def test_a_broken_form_is_refused(data: bytes, content_type: str) -> None:
    refused(BODY_INVALID, form, data, content_type)


@pytest.mark.parametrize(
    ("written", "filename"),
    [
        ('filename="你好.txt"', "你好.txt"),
        ("filename*=utf-8''%E4%BD%A0.txt", "你.txt"),
        ("filename*=UTF-8'zh'%FF.txt; filename=\"b\"", "\ufffd.txt"),
        ("filename*=iso-8859-1''%E9", "é"),
        ('filename="a\\"b"', 'a"b'),
        ('filename=""', ""),
        ('filename="../../etc/passwd"', "../../etc/passwd"),
    ],
)
def test_a_file_keeps_the_name_it_came_with(written: str, filename: str) -> None:
    data = f'--xyz\r\nContent-Disposition: form-data; name="file"; {written}\r\n\r\nx\r\n--xyz--\r\n'
    assert form(data.encode()).named("file")[0].filename == filename


def test_a_name_that_is_not_utf8_is_latin1() -> None:
    data = b'--xyz\r\nContent-Disposition: form-data; name="n\xe9"\r\n\r\n\xff\r\n--xyz--\r\n'
    assert form(data).fields == {"né": ["ÿ"]}


@given(
    data=st.lists(
        st.sampled_from([b"--xyz", b"--", b"\r\n", b"\n", b"Content-Disposition: form-data; name=a", b"x", b"\x00"])
    )
)
def test_any_form_is_read_or_refused(data: list[bytes]) -> None:
    with contextlib.suppress(ApiError):
        form(b"".join(data))


def test_a_form_above_the_limit_is_refused() -> None:
    refused("BadRequest.TooLarge", form, part("file", b"x" * (2 * MEBIBYTE), "a") + b"--xyz--\r\n", limit=10)
