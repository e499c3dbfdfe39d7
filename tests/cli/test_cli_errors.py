"""`dashscope-mock errors`: every error can be found by what people know of it, and is shown as clients see it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mockserver.cli import main
from mockserver.cli.errors import CREATED, DIALECTS, REQUEST_ID, words
from mockserver.dialects import compatible, native
from mockserver.dialects.meta import Meta
from mockserver.errors import ApiError, catalogue
from mockserver.profiles import PROFILES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


class Console:
    """Runs a command and gives what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        assert main(["errors", *arguments]) == code
        printed = self._capsys.readouterr()
        return printed.err if code else printed.out

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def errors(capsys: pytest.CaptureFixture[str]) -> Console:
    return Console(capsys)


# All of it


def test_without_a_name_every_entry_has_a_line(errors: Console) -> None:
    lines = errors().splitlines()
    assert [line.split("  ")[0] for line in lines] == list(catalogue())
    assert all("\033" not in line for line in lines)
    line = next(line for line in lines if line.startswith("Throttling.RateQuota "))
    assert line.split("  ")[0] == "Throttling.RateQuota"
    assert "429 limit_requests" in line
    assert "retry" in line


def test_the_list_is_json_for_programs(errors: Console) -> None:
    rows = {row["name"]: row for row in errors.json()}
    assert list(rows) == list(catalogue())
    assert rows["Throttling.BurstRate"] == {
        "name": "Throttling.BurstRate",
        "retryable": True,
        "applies_to": "all",
        "explanation": catalogue()["Throttling.BurstRate"].explanation["en"],
        "native": {"status": 429, "code": "Throttling.BurstRate"},
        "compatible": {"status": 429, "code": "limit_burst_rate"},
    }


# Finding


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Throttling.AllocationQuota", "Throttling.AllocationQuota"),
        ("Throttling.AllocationQuota/free", "Throttling.AllocationQuota/free"),
        ("limit_requests", "Throttling.RateQuota"),
        ("LimitRequests", "Throttling.RateQuota"),
        ("Method Not Allowed", "Method Not Allowed"),
        ("requests rate limit exceeded", "Throttling.RateQuota"),
        ("请求速率增长过快", "Throttling.BurstRate"),
        ("ERROR 400: <400> x: Range of max_tokens should be [1, 123]. stop", "InvalidParameter/max-tokens-range"),
    ],
    ids=[
        "name",
        "name with a slug",
        "alias",
        "another alias",
        "name with blanks",
        "message",
        "Chinese explanation",
        "a line of a log",
    ],
)
def test_an_entry_is_found_by(query: str, name: str, errors: Console) -> None:
    assert errors.json(query)["name"] == name


def test_words_need_no_quotes(errors: Console) -> None:
    assert errors("request", "rate", "increased").startswith("Throttling.BurstRate ")


def test_words_that_stand_in_several_entries_list_them(errors: Console) -> None:
    names = [row["name"] for row in errors.json("too many requests")]
    assert len(names) > 1
    assert "Throttling" in names


def test_the_others_with_the_same_code_are_named(errors: Console) -> None:
    assert "Same code: Throttling.AllocationQuota/hot-words" in errors("Throttling.AllocationQuota")
    assert re.search(r"Same code: (\S+, ){9}\S+ and \d+ more\n", errors("InvalidParameter"))


@pytest.mark.parametrize(
    ("query", "near"),
    [
        ("Throttling.RateQouta", "Throttling.RateQuota"),
        ("RateQouta", "Throttling.RateQuota"),
        ("arearage", "Arrearage"),
    ],
)
def test_an_unknown_name_is_refused_with_what_is_near(query: str, near: str, errors: Console) -> None:
    assert near in errors(query, code=2)


def test_a_name_far_from_all_leads_to_the_list(errors: Console) -> None:
    assert "`dashscope-mock errors` lists all" in errors("zzzzzzzzzzzzzzz", code=2)


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_entry_can_be_shown(name: str, errors: Console) -> None:
    assert errors(name).startswith(f"{name}  (")


# One entry


@pytest.mark.parametrize(
    "name", ["Throttling.RateQuota", "InvalidParameter/max-tokens-range", "NotFound", "InternalError"]
)
def test_the_wire_forms_are_what_the_dialects_write(name: str, errors: Console) -> None:
    shown = errors.json(name)
    for dialect, writer in (("native", native), ("compatible", compatible)):
        for wire in shown[dialect]["wire"]:
            meta = Meta(REQUEST_ID, CREATED, PROFILES[wire["profile"]])
            refusal = writer.write_error(ApiError(name), meta, stream=wire["stream"])
            assert (wire["status"], wire["content_type"].encode(), wire["body"].encode()) == (
                refusal.status,
                refusal.content_type,
                refusal.body,
            )
        cases = {(wire["profile"], wire["stream"]) for wire in shown[dialect]["wire"]}
        assert cases == {(profile, stream) for profile in PROFILES for stream in (False, True)}


def test_people_see_each_different_answer_once_with_its_bytes(errors: Console) -> None:
    shown = errors("Throttling.RateQuota")
    for dialect in DIALECTS:
        for wire in errors.json("Throttling.RateQuota")[dialect]["wire"]:
            assert shown.count(f"{wire['content_type']}\n{wire['body'].rstrip()}\n") == 1
    assert "compatible  2024 JSON, 2024 stream\nHTTP 429  application/json\n" in shown
    assert "confidence: high" in shown
    assert "worth a retry" in shown
    assert "[[mock fault=Throttling.RateQuota]]" in shown


def test_one_dialect_is_shown_alone(errors: Console) -> None:
    shown = errors("Throttling.RateQuota", "--dialect", "compatible")
    assert ":HTTP_STATUS" not in shown
    assert "limit_requests" in shown
    assert "native" not in errors.json("Throttling.RateQuota", "--dialect", "compatible")
    assert "limit_requests" not in errors("--dialect", "native")


def test_explanations_are_in_the_language_of_the_reader(errors: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    english, chinese = (catalogue()["Arrearage"].explanation[lang] for lang in ("en", "zh"))
    assert english in errors("Arrearage")
    assert chinese in errors("Arrearage", "--lang", "zh")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert chinese in errors("Arrearage")


def test_colours_are_for_terminals(errors: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\033[1mArrearage\033[0m" in errors("Arrearage")
    assert "\033" not in errors("Arrearage", "--plain")
    assert "\033" not in errors("Arrearage", "--json")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in errors("Arrearage")


def test_every_word_offered_for_completion_finds_something(errors: Console) -> None:
    assert set(catalogue()) <= set(words())
    for word in words()[::20]:
        errors(word)


def test_who_reads_only_the_beginning_gets_no_traceback() -> None:
    command = [sys.executable, "-m", "mockserver", "errors"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
