"""Bad forms, paths, methods, keys, headers and queries are answered as the service answers them, and nothing breaks."""

import json
from pathlib import Path
from typing import Any

import pytest
from hostility import BOTH, client, question, quiet
from in_process import CHAT, GENERATION, InProcess, in_process

from mockserver.settings import MEBIBYTE, Settings

__all__ = ["client", "quiet"]
pytestmark = pytest.mark.usefixtures("quiet")

FILES = pytest.mark.parametrize(("path", "field"), [("/api/v1/files", "files"), ("/compatible-mode/v1/files", "file")])

# Forms

PART = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n%s\r\n'
PURPOSE = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfile-extract\r\n'
END = b"--b--\r\n"


def send_form(client: InProcess, path: str, body: bytes, kind: str = "multipart/form-data; boundary=b") -> Any:
    return client.post(path, body, {"content-type": kind})


def part(field: str, name: bytes = b"a.txt", content: bytes = b"text") -> bytes:
    return PART % (field.encode(), name, content)


@FILES
@pytest.mark.parametrize(
    "kind",
    [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=other",
        "application/json",
        "multipart/mixed; boundary=b",
        "multipart/form-data; boundary=" + "b" * 5000,
        "multipart/form-data; boundary=\x80b",
    ],
)
def test_a_form_of_another_content_type_is_refused(client: InProcess, path: str, field: str, kind: str) -> None:
    response = client.request(
        "POST", path, content=part(field) + PURPOSE + END, headers={"content-type": kind.encode("latin-1")}
    )
    assert response.status_code == 400


BROKEN_FORMS = {
    "empty": b"",
    "no end": PURPOSE + part("file") + part("files"),
    "cut in a part": part("files")[:-20],
    "cut in a header": b"--b\r\nContent-Disposition: form-da",
    "only the end": END,
    "no headers": b"--b\r\n\r\ntext\r\n" + END,
    "no name": b"--b\r\nContent-Disposition: form-data\r\n\r\ntext\r\n" + END,
    "a wrong field": PURPOSE + part("datei") + END,
    "a text field instead of a file": PURPOSE
    + b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n'
    + END,
    "a header without a colon": b"--b\r\nnonsense\r\n\r\ntext\r\n" + END,
    "a giant header": b"--b\r\nX: " + b"x" * 900_000 + b"\r\n\r\ntext\r\n" + END,
    "many headers": b"--b\r\n" + b"X: x\r\n" * 50_000 + b"\r\ntext\r\n" + END,
    "many fields": b"".join(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % i for i in range(3000))
    + END,
    "many files": part("file") * 500 + part("files") * 500 + END,
    "not UTF-8": b'--b\r\nContent-Disposition: form-data; name="\xff\xfe"\r\n\r\n\xff\r\n' + END,
    "noise": bytes(range(256)) * 100,
}


@FILES
@pytest.mark.parametrize("body", BROKEN_FORMS.values(), ids=BROKEN_FORMS)
def test_a_broken_form_is_refused(client: InProcess, path: str, field: str, body: bytes) -> None:
    del field
    assert send_form(client, path, body).status_code == 400


@FILES
def test_of_two_files_none_is_lost(client: InProcess, path: str, field: str) -> None:
    body = PURPOSE + part(field, b"one.txt") + part(field, b"two.txt") + END
    response = send_form(client, path, body)
    assert response.status_code == 200
    if field == "files":
        assert len(response.json()["data"]["uploaded_files"]) == 2


NAMES = {
    "a way out": b"../../etc/passwd.txt",
    "an absolute path": b"/etc/passwd.txt",
    "a Windows path": rb"C:\\Windows\\a.txt",
    "a NUL": b"a\x00.txt",
    "line ends": b"a%0d%0aSet-Cookie: x.txt",
    "ten kilobytes": b"a" * 10_240 + b".txt",
    "dots": b"..",
    "a blank": b" .txt",
    "Chinese": "报告.txt".encode(),
    "Chinese in GBK": "报告.txt".encode("gbk"),
    "not UTF-8": b"\xff\xfe.txt",
    "right to left": "\u202etxt.exe.txt".encode(),
    "a quote": b'a\\".txt',
    "a surrogate": b"\xed\xa0\x80.txt",
}


@FILES
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_file_name_never_becomes_a_path(path: str, field: str, name: bytes, tmp_path: Path) -> None:
    data = tmp_path / "inner" / "data"
    with in_process(Settings(data_dir=data)) as kept:
        response = send_form(kept, path, PURPOSE + part(field, name) + END)
        assert response.status_code in (200, 400)
        listed = kept.request("GET", path)
        assert listed.status_code == 200
    outside = [found for found in tmp_path.rglob("*") if data not in found.parents and found != data]
    assert outside == [data.parent]


@FILES
def test_an_upload_above_the_limit_is_refused(client: InProcess, path: str, field: str) -> None:
    body = PURPOSE + part(field, content=b"x" * (3 * MEBIBYTE)) + END
    response = send_form(client, path, body)
    assert "Too Large" in response.text or "TooLarge" in response.text


# Paths, methods and headers

PATHS = [
    "/",
    "//",
    "/api/v1",
    "/api/v1/",
    "/api/v1//services/aigc/text-generation/generation",
    "//api/v1/services/aigc/text-generation/generation",
    "/api/v1/services/aigc/text-generation/generation/",
    "/api/v1/services/aigc/text-generation/../text-generation/generation",
    "/api/v1/services/aigc/nothing/generation",
    "/api/v1/services/nothing",
    "/api/v1/tasks/1",
    "/api/v2/files",
    "/api/v1/files/",
    "/api/v1/files/..%2f..%2fetc%2fpasswd",
    "/api/v1/files/%2e%2e",
    "/api/v1/files/%00",
    "/api/v1/files/%ff%fe",
    "/api/v1/files/%0d%0aSet-Cookie:%20a",
    "/compatible-mode",
    "/compatible-mode/v1",
    "/compatible-mode/v1/",
    "/compatible-mode/v1//chat/completions",
    "/compatible-mode/v1/chat/completions/",
    "/compatible-mode/v1/Chat/Completions",
    "/compatible-mode/v1/files/..%2f..%2fetc%2fpasswd",
    "/compatible-mode/v1/files/..%2fcontent",
    "/compatible-mode/v1/files/%2e%2e/content",
    "/compatible-mode/v1/files/%00/content",
    "/compatible-mode/v1/files/" + "x" * 50_000,
    "/compatible-mode/v1/models/..%2f",
    "/compatible-mode/v1/models/%F0%9F%8F%9E",
    "/compatible-mode/v1/" + "x" * 60_000,
    "/__mock__/schemas/../../pyproject.toml",
    "/__mock__/schemas/..%2f..%2fpyproject.toml",
    "/__mock__/schemas/%2e%2e/%2e%2e/mockserver/models.py",
    "/__mock__/schemas//etc/passwd",
    "/__mock__/schemas/native/error%00.json",
    "/__mock__/nothing",
    "/__mock__",
    "/favicon.ico",
    "/v1/chat/completions",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/通义",
]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND"]


@pytest.mark.parametrize("path", PATHS, ids=[path[:60] for path in PATHS])
@pytest.mark.parametrize("key", ["Bearer sk-test", ""])
def test_a_path_that_is_none_is_refused_in_every_method(client: InProcess, path: str, key: str) -> None:
    for method in METHODS:
        response = client.request(method, f"http://emulator.test{path}", headers={"authorization": key})
        assert response.status_code in (400, 401, 403, 404, 405)


@pytest.mark.parametrize("path", [GENERATION, CHAT, "/api/v1/tokenizer", "/compatible-mode/v1/embeddings"])
def test_a_wrong_method_is_named(client: InProcess, path: str) -> None:
    for method in set(METHODS) - {"POST", "HEAD"}:
        response = client.request(method, path)
        assert response.status_code == 400
        assert f"Request method '{method}' is not supported." in response.text


def test_traversal_finds_no_schema(client: InProcess) -> None:
    response = client.request("GET", "/__mock__/schemas/..%2f..%2fpyproject.toml")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


KEYS = [
    b"",
    b" ",
    b"Bearer",
    b"Bearer ",
    b"Bearer  ",
    b"Basic c2stdGVzdA==",
    b"sk-test",
    b"Bearer sk-",
    b"Bearer invalid",
    b"Bearer sk-\x80\xff",
    b"Bearer sk-a b",
    b"Bearer sk-\x00",
    b"Bearer sk-\xe9\x80\x9a",
    b"Bearer " + b"sk-" + b"x" * 60_000,
    b"Bearer Bearer sk-test",
    b"Bearer sk-\xc2\xa0a",
]


@BOTH
@pytest.mark.parametrize("key", KEYS, ids=[repr(key[:30]) for key in KEYS])
def test_a_key_that_is_none_is_refused_before_all_else(client: InProcess, path: str, key: bytes) -> None:
    response = client.request("POST", path, content=b"{", headers={"authorization": key})
    assert response.status_code == 401
    assert "x" * 300 not in response.text


@pytest.mark.parametrize("kept", ["sessions/sk-a%00b", "sessions/..%2f", "sessions/sk-", "sessions/%0a"])
@pytest.mark.parametrize("body", [b"", b"[]", b'{"profile": 7}', b'{"a\\ud800": 1}', b"[" * 100_000])
def test_the_control_api_refuses_with_a_problem(client: InProcess, kept: str, body: bytes) -> None:
    response = client.request("PUT", f"/__mock__/{kept}", content=body)
    assert response.status_code in (400, 404, 405)
    assert response.json()["detail"]


@BOTH
@pytest.mark.parametrize(
    "name", ["accept", "x-dashscope-sse", "accept-encoding", "x-dashscope-workspace", "user-agent"]
)
@pytest.mark.parametrize("value", [b"", b"\xff" * 50, b"," * 5000, b"gzip;q=nonsense, *;q=", b"text/event-stream" * 50])
def test_strange_headers_are_harmless(client: InProcess, path: str, name: str, value: bytes) -> None:
    body = json.dumps(question("hi", incremental_output=True)).encode()
    assert client.request("POST", path, content=body, headers={name: value}).status_code == 200


QUERIES = [
    "limit=-1",
    "limit=x",
    "limit=" + "9" * 5000,
    "after=%00",
    "create_after=nonsense",
    "create_before=99999999",
    "create_after=00000000000000",
    "purpose=%ff",
    "page_no=-1&page_size=0",
    "page_no=" + "9" * 5000,
    "page_size=%F0%9F",
    "&" * 5000,
    "=" * 5000,
    "a=" * 20_000,
    "model=%00",
    "limit=٣",
    "%",
]


@pytest.mark.parametrize("query", QUERIES, ids=[query[:30] for query in QUERIES])
@pytest.mark.parametrize(
    "path", ["/api/v1/files", "/api/v1/models", "/compatible-mode/v1/files", "/compatible-mode/v1/models"]
)
def test_a_strange_query_is_answered(client: InProcess, path: str, query: str) -> None:
    assert client.request("GET", f"{path}?{query}").status_code in (200, 400, 404)
