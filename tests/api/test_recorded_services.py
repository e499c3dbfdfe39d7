"""What the tokenizer and the files service answered when they were recorded, byte for byte.

Ids and times are chance and the clock: they are replaced by those of the recording before the bytes are compared.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mockserver import resources

Call = Any
FILES = "/compatible-mode/v1/files"
FILE_ID = re.compile(rb"file-fe-[0-9a-f]{24}")
REQUEST_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CREATED = re.compile(rb'"created_at":\d+')


def recorded(name: str) -> bytes:
    pair = resources.load("fixtures", "recorded", f"{name}.json")
    assert pair["complete"]
    raw: str = pair["response"]["raw"]
    return raw.encode()


def as_recorded(answer: httpx.Response, raw: bytes) -> bytes:
    """The answer with the ids and times of the recording."""
    said = answer.content
    for pattern in (FILE_ID, REQUEST_ID, CREATED):
        found = pattern.search(raw)
        if found is not None:
            said = pattern.sub(found[0], said)
    return said


def upload(emulator: Call, filename: str, data: bytes, purpose: str = "file-extract") -> httpx.Response:
    answer: httpx.Response = emulator("POST", FILES, files={"file": (filename, data)}, data={"purpose": purpose})
    return answer


def test_the_tokenizer_answers_as_recorded(emulator: Call) -> None:
    raw = recorded("native-tokenizer")
    body = resources.load("fixtures", "recorded", "native-tokenizer.json")["request"]["body"]
    assert as_recorded(emulator("POST", "/api/v1/tokenizer", json=body), raw) == raw


def test_an_upload_answers_as_recorded(emulator: Call) -> None:
    raw = recorded("compatible-file-upload")
    assert as_recorded(upload(emulator, "test2.txt", b"1234567"), raw) == raw


@pytest.mark.parametrize(
    ("name", "filename", "size", "ask"),
    [
        ("compatible-file-get", "test2.txt", 7, lambda call, file_id: call("GET", f"{FILES}/{file_id}")),
        (
            "compatible-file-list",
            "file1.txt",
            1314,
            lambda call, _: call("GET", f"{FILES}?limit=3&purpose=file-extract"),
        ),
        ("compatible-file-delete", "file1.txt", 1314, lambda call, file_id: call("DELETE", f"{FILES}/{file_id}")),
    ],
)
def test_a_file_is_shown_listed_and_deleted_as_recorded(
    emulator: Call, name: str, filename: str, size: int, ask: Callable[[Call, str], httpx.Response]
) -> None:
    raw = recorded(name)
    file_id = upload(emulator, filename, b"x" * size).json()["id"]
    assert as_recorded(ask(emulator, file_id), raw) == raw


def test_a_bad_purpose_is_refused_as_recorded(make: Call) -> None:
    raw = recorded("compatible-file-bad-purpose")
    assert upload(make(profile="2024"), "a.txt", b"x", "assistants").content == raw


def test_the_delete_answer_has_the_recorded_length(emulator: Call) -> None:
    file_id = upload(emulator, "a.txt", b"x").json()["id"]
    answer = emulator("DELETE", f"{FILES}/{file_id}")
    assert answer.headers["content-length"] == str(len(recorded("compatible-file-delete"))) == "72"


def test_a_native_upload_has_the_recorded_keys_in_order(emulator: Call) -> None:
    raw = json.loads(recorded("native-file-upload"))
    answer = emulator("POST", "/api/v1/files", files={"files": ("test2.txt", b"1234567")}).json()
    assert list(answer) == list(raw)
    assert list(answer["data"]) == list(raw["data"])
    assert list(answer["data"]["uploaded_files"][0]) == list(raw["data"]["uploaded_files"][0])
