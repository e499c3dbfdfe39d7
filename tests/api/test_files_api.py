import re
from typing import Any

import pytest

from mockserver import schemas

COMPATIBLE = "/compatible-mode/v1/files"
NATIVE = "/api/v1/files"
NOW = 1751901115
Call = Any


def upload(emulator: Call, data: bytes = b"content", name: str = "test2.txt", **more: Any) -> dict[str, Any]:
    form = {"files": {"file": (name, data)}, "data": {"purpose": "file-extract"}}
    answer = emulator("POST", COMPATIBLE, **form | more)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def upload_natively(emulator: Call, *files: tuple[str, bytes], **form: Any) -> Any:
    return emulator("POST", NATIVE, files=[("files", file) for file in files], **form)


def test_an_upload_answers_the_file_byte_for_byte(emulator: Call) -> None:
    answer = emulator("POST", COMPATIBLE, files={"file": ("测试.txt", b"7 bytes")}, data={"purpose": "file-extract"})
    file_id = answer.json()["id"]
    assert answer.text == (
        f'{{"id":"{file_id}","object":"file","bytes":7,"filename":"测试.txt","purpose":"file-extract",'
        f'"status":"processed","created_at":{NOW}}}'
    )
    assert schemas.accepts("compatible/file-object", answer.json())


@pytest.mark.parametrize(
    ("purpose", "prefix"), [("file-extract", "file-fe-"), ("batch", "file-batch-"), ("fine-tune", "file-ft-")]
)
def test_the_id_says_what_a_file_is_for(emulator: Call, purpose: str, prefix: str) -> None:
    answer = emulator("POST", COMPATIBLE, files={"file": ("a", b"x")}, data={"purpose": purpose})
    assert re.fullmatch(f"{prefix}[0-9a-f]{{24}}", answer.json()["id"])


def test_a_file_can_be_described_read_and_deleted_once(emulator: Call) -> None:
    file = upload(emulator, b"\x00\xff")
    path = f"{COMPATIBLE}/{file['id']}"
    assert emulator("GET", path).json() == file
    content = emulator("GET", f"{path}/content")
    assert (content.content, "content-type" in content.headers) == (b"\x00\xff", False)
    deletion = emulator("DELETE", path)
    assert deletion.text == f'{{"id":"{file["id"]}","object":"file","deleted":true}}'
    assert deletion.headers["content-length"] == "72"
    for method, gone in (("GET", path), ("DELETE", path), ("GET", f"{path}/content")):
        refusal = emulator(method, gone)
        assert refusal.status_code == 404
        assert schemas.accepts("compatible/error", refusal.json())


def test_files_are_listed_newest_first_in_pages(emulator: Call) -> None:
    ids: list[str] = []
    for number in range(3):
        ids.insert(0, upload(emulator, name=f"{number}.txt")["id"])
        emulator.clock.advance(1000)
    first = emulator("GET", COMPATIBLE, params={"limit": 2})
    assert list(first.json()) == ["object", "data", "has_more"]
    assert [file["id"] for file in first.json()["data"]] == ids[:2]
    assert first.json()["has_more"]
    second = emulator("GET", COMPATIBLE, params={"limit": 2, "after": ids[1]}).json()
    assert ([file["id"] for file in second["data"]], second["has_more"]) == (ids[2:], False)


def test_the_key_orders_of_2024_are_others(make: Call) -> None:
    emulator = make(profile="2024")
    file = upload(emulator)
    assert list(file) == ["id", "object", "bytes", "created_at", "filename", "purpose", "status"]
    assert list(emulator("GET", COMPATIBLE).json()) == ["object", "has_more", "data"]
    assert list(emulator("DELETE", f"{COMPATIBLE}/{file['id']}").json()) == ["object", "deleted", "id"]


def test_sessions_do_not_see_each_others_files(emulator: Call) -> None:
    file = upload(emulator)
    assert emulator("GET", COMPATIBLE, key="sk-other").json()["data"] == []
    for path, status in ((f"{COMPATIBLE}/{file['id']}", 404), (f"{NATIVE}/{file['id']}", 400)):
        assert emulator("GET", path, key="sk-other").status_code == status
        assert emulator("DELETE", path, key="sk-other").status_code == status


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"files": {"file": ("a", b"x")}, "data": {"purpose": "assistants"}}, 400),
        ({"files": {"file": ("a", b"x")}}, 400),
        ({"files": {"document": ("a", b"x")}, "data": {"purpose": "file-extract"}}, 400),
        ({"json": {"file": "x"}}, 400),
        ({"content": b"--x", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400),
    ],
)
@pytest.mark.parametrize("path", [COMPATIBLE, NATIVE])
def test_a_bad_upload_is_refused(emulator: Call, path: str, form: dict[str, Any], status: int) -> None:
    answer = emulator("POST", path, **form)
    assert answer.status_code == status
    dialect = "native" if path == NATIVE else "compatible"
    assert schemas.accepts(f"{dialect}/error", answer.json())
    assert emulator.services.files.list("sk-test") == ()


def test_a_file_above_the_limit_is_refused(make: Call) -> None:
    emulator = make(max_upload_bytes=10)
    answer = emulator("POST", COMPATIBLE, files={"file": ("a", b"x" * 11)}, data={"purpose": "file-extract"})
    assert "Payload Too Large." in answer.text


def test_the_native_dialect_takes_several_files_at_once(emulator: Call) -> None:
    form = {"data": {"descriptions": ["first", "second"]}}
    answer = upload_natively(emulator, ("a.txt", b"1"), ("b.txt", b"22"), **form)
    assert schemas.accepts("native/file-upload-response", answer.json())
    uploaded = answer.json()["data"]["uploaded_files"]
    assert [file["name"] for file in uploaded] == ["a.txt", "b.txt"]
    described = emulator("GET", f"{NATIVE}/{uploaded[1]['file_id']}").json()
    assert schemas.accepts("native/file-response", described)
    assert list(described["data"]) == [
        "id",
        "name",
        "description",
        "purpose",
        "size",
        "md5",
        "region",
        "file_id",
        "url",
    ]
    assert (described["data"]["size"], described["data"]["description"]) == (2, "second")


def test_a_native_file_that_is_refused_does_not_fail_the_others(make: Call) -> None:
    answer = upload_natively(make(max_upload_bytes=5), ("a", b"123456"), ("b", b"1"))
    data = answer.json()["data"]
    assert data["failed_uploads"] == [{"name": "a", "code": "BadRequest.TooLarge", "message": "Payload Too Large."}]
    assert [file["name"] for file in data["uploaded_files"]] == ["b"]


def test_the_native_list_has_pages(emulator: Call) -> None:
    for number in range(3):
        upload_natively(emulator, (f"{number}", b"x"))
    answer = emulator("GET", NATIVE, params={"page_no": 2, "page_size": 2}).json()
    assert schemas.accepts("native/file-list", answer)
    assert (answer["data"]["total"], [file["name"] for file in answer["data"]["files"]]) == (3, ["0"])


def test_a_file_of_the_compatible_dialect_is_seen_natively(emulator: Call) -> None:
    file = upload(emulator)
    assert emulator("GET", f"{NATIVE}/{file['id']}").json()["data"]["name"] == "test2.txt"
    assert emulator("GET", NATIVE).json()["data"]["total"] == 1


def test_a_native_deletion_answers_with_its_id_alone(emulator: Call) -> None:
    file_id = upload_natively(emulator, ("a", b"x")).json()["data"]["uploaded_files"][0]["file_id"]
    answer = emulator("DELETE", f"{NATIVE}/{file_id}")
    assert answer.text == f'{{"request_id":"{answer.headers["x-request-id"]}"}}'
    assert answer.headers["content-length"] == "53"
    assert emulator("DELETE", f"{NATIVE}/{file_id}").json()["message"] == "File not found."


def test_content_is_compressed_for_a_client_that_takes_gzip(emulator: Call) -> None:
    file = upload(emulator, b"x" * 1000)
    answer = emulator("GET", f"{COMPATIBLE}/{file['id']}/content", headers={"accept-encoding": "gzip"})
    assert (answer.headers["content-encoding"], answer.content) == ("gzip", b"x" * 1000)


def test_files_outlive_a_restart_with_a_data_dir(make: Call, tmp_path: Any) -> None:
    first = make(data_dir=tmp_path)
    file = upload(first)
    first.services.close()
    second = make(data_dir=tmp_path)
    assert second("GET", f"{COMPATIBLE}/{file['id']}").json() == file
    second.services.close()
