"""The demo, as the person sees it who has just installed the package."""

import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo() -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "mockserver", "demo"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def scenes(demo: "subprocess.CompletedProcess[str]") -> list[str]:
    return re.split(r"^\d+\. ", demo.stdout, flags=re.MULTILINE)[1:]


def answer(scene: str) -> str:
    """What came back, after the line `-> 200 application/json`."""
    return re.split(r"^-> .*\n", scene, flags=re.MULTILINE)[1]


def body(scene: str) -> Any:
    return json.loads(answer(scene).splitlines()[0])


def events(scene: str) -> list[Any]:
    data = re.findall(r"^data: ?(\{.*)$", answer(scene), re.MULTILINE)
    return [json.loads(event) for event in data]


def test_it_goes_well_and_complains_about_nothing(demo: "subprocess.CompletedProcess[str]") -> None:
    assert (demo.returncode, demo.stderr) == (0, "")
    assert "dashscope-mock serve" in demo.stdout.splitlines()[-1]


def test_it_writes_no_colours_into_a_pipe(demo: "subprocess.CompletedProcess[str]") -> None:
    assert "\033" not in demo.stdout


def test_it_has_ten_scenes_each_with_its_status(scenes: list[str]) -> None:
    statuses = [int(re.findall(r"^-> (\d+)", scene, re.MULTILINE)[0]) for scene in scenes]
    assert statuses == [200, 200, 200, 200, 200, 200, 200, 401, 200, 200]


def test_every_scene_shows_its_request(scenes: list[str]) -> None:
    for scene in scenes:
        title, request, *rest = scene.splitlines()
        assert title
        assert re.fullmatch(r"POST /(api|compatible-mode)/v1/\S+", request)
        assert rest[0].startswith("Authorization: Bearer ")


def test_the_documented_prompts_have_their_documented_tokens(scenes: list[str]) -> None:
    assert body(scenes[0])["usage"]["input_tokens"] == 16
    assert body(scenes[1])["usage"]["input_tokens"] == 31


def test_one_piece_full_stream_and_incremental_stream_say_the_same(scenes: list[str]) -> None:
    whole = body(scenes[0])["output"]["text"]
    full = [event["output"]["text"] for event in events(scenes[2])]
    parts = [event["output"]["text"] for event in events(scenes[3])]
    assert len(full) == len(parts) > 2
    assert full[-1] == "".join(parts) == whole
    assert all(later.startswith(earlier) for earlier, later in pairwise(full))


def test_the_native_frames_are_shown_line_by_line(scenes: list[str]) -> None:
    assert answer(scenes[2]).startswith("id:1\nevent:result\n:HTTP_STATUS/200\ndata:{")


def test_the_compatible_stream_ends_with_usage_and_the_marker(scenes: list[str]) -> None:
    *_, last = events(scenes[5])
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 0
    assert answer(scenes[5]).strip().endswith("data: [DONE]")


def test_the_reply_cut_by_max_tokens_has_exactly_so_many(scenes: list[str]) -> None:
    cut = body(scenes[6])
    assert cut["choices"][0]["finish_reason"] == "length"
    assert cut["usage"]["completion_tokens"] == 5


def test_the_refused_key_gets_the_words_of_the_service(scenes: list[str]) -> None:
    assert "Authorization: Bearer wrong" in scenes[7]
    assert body(scenes[7])["error"]["code"] == "invalid_api_key"


def test_the_question_names_the_uploaded_file_and_the_answer_quotes_it(scenes: list[str]) -> None:
    uploaded = body(scenes[8])["id"]
    assert f"fileid://{uploaded}" in scenes[9]
    assert "5000mAh" in body(scenes[9])["choices"][0]["message"]["content"]
