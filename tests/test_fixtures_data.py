"""The documented and recorded pairs are well formed: what later replays may rely on."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mockserver import resources
from mockserver.profiles import PROFILES

KINDS = ("documented", "recorded")
FILES = [file for kind in KINDS for file in sorted(resources.path("fixtures", kind).glob("*.json"))]
README = resources.path("fixtures", "documented", "README.md")
KEYS = ["title", "source", "confidence", "profile", "complete", "request", "response", "notes"]
CONTENT = {"body", "stream", "raw"}
FRAME = re.compile(r"(?:id:\d+\nevent:(?:result|error)\n(?::HTTP_STATUS/\d{3}\n)?)?data: ?(\{.*\}|\[DONE\])\n\n")

every_pair = pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")


def pair_in(file: Path) -> dict[str, Any]:
    """The pair of a file; a key that stands twice is an error."""

    def unique(items: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(items)) == len(items), f"a key stands twice in {file.name}"
        return dict(items)

    pair: dict[str, Any] = json.loads(file.read_text("utf-8"), object_pairs_hook=unique)
    return pair


def frames_of(response: dict[str, Any]) -> list[str]:
    """The event stream frames of an answer, each with its closing blank line; none for plain JSON."""
    if "stream" in response:
        return list(response["stream"])
    raw: str = response.get("raw", "{")
    return [] if raw.startswith("{") else re.findall(r".+?\n\n|.+\Z", raw, re.DOTALL)


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def test_there_are_pairs_of_both_kinds_in_both_profiles() -> None:
    found = {(file.parent.name, pair_in(file)["profile"]) for file in FILES}
    assert found == {(kind, profile) for kind in KINDS for profile in PROFILES}


def test_the_readme_lists_the_documented_pairs() -> None:
    listed = re.findall(r"^\| `([\w.-]+-[\w.-]+)` \|", README.read_text("utf-8"), re.MULTILINE)
    assert listed == [file.stem for file in FILES if file.parent.name == "documented"]


@every_pair
def test_a_pair_says_what_it_is_and_how_sure_it_is(file: Path) -> None:
    pair = pair_in(file)
    assert list(pair) == KEYS
    assert list(pair["source"]) == ["page", "date"]
    assert pair["confidence"] in {"high", "medium", "low"}
    assert pair["profile"] in PROFILES
    assert isinstance(pair["complete"], bool)
    assert all((pair["title"], pair["notes"], *pair["source"].values()))


@every_pair
def test_a_request_can_be_sent(file: Path) -> None:
    request = pair_in(file)["request"]
    assert list(request) == ["method", "path", "headers", "body"]
    assert request["method"] in {"GET", "POST", "DELETE"}
    assert request["path"].startswith(("/api/v1/", "/compatible-mode/v1/"))
    assert request["body"] is None or isinstance(request["body"], dict)


@every_pair
def test_an_answer_has_a_status_and_one_content_at_most(file: Path) -> None:
    pair = pair_in(file)
    response = pair["response"]
    assert 200 <= response["status"] < 500
    assert set(response) <= {"status", "headers", *CONTENT}
    assert len(CONTENT & set(response)) == (0 if file.stem.endswith("-headers") else 1)


@every_pair
def test_raw_json_is_compact_as_on_the_wire(file: Path) -> None:
    raw = pair_in(file)["response"].get("raw", "")
    if raw.startswith("{"):
        assert compact(json.loads(raw)) == raw


@every_pair
def test_every_frame_is_whole(file: Path) -> None:
    for frame in frames_of(pair_in(file)["response"]):
        whole = FRAME.fullmatch(frame)
        assert whole, frame
        assert whole[1] == "[DONE]" or compact(json.loads(whole[1])) == whole[1]


@every_pair
def test_the_usage_of_a_stream_never_goes_down(file: Path) -> None:
    counts = [int(n) for f in frames_of(pair_in(file)["response"]) for n in re.findall(r'"output_tokens":(\d+)', f)]
    assert counts == sorted(counts)


@every_pair
def test_totals_add_up(file: Path) -> None:
    text = compact(pair_in(file)["response"]).replace('\\"', '"')
    for usage in re.findall(r'"usage":(\{[^{}]*(?:\{[^{}]*\}[^{}]*)?\})', text):
        counts = json.loads(usage)
        parts = [n for key, n in counts.items() if re.fullmatch(r"(in|out)put_tokens|(prompt|completion)_tokens", key)]
        if len(parts) == 2:
            assert counts.get("total_tokens", sum(parts)) == sum(parts)


@every_pair
def test_nothing_secret_and_nothing_of_one_machine_stands_in_a_pair(file: Path) -> None:
    text = file.read_text("utf-8")
    assert not re.search(r"authorization|bearer|\bsk-\w", text, re.IGNORECASE)
    assert not re.search(r"/(work|tmp|home|root)/|\.\./", text)


def test_a_body_is_as_long_as_its_header_says() -> None:
    response = pair_in(resources.path("fixtures", "recorded", "compatible-file-delete.json"))["response"]
    assert len(response["raw"].encode()) == int(response["headers"]["content-length"])
