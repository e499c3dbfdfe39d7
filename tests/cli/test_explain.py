"""`dashscope-mock explain`: what a code means, in the reader's language."""

import json

import pytest

from mockserver.cli import main
from mockserver.cli.explain import words
from mockserver.errors import catalogue
from mockserver.violations import explanations


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["explain", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("code", sorted(explanations()))
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_code_is_explained(code: str, lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, code, "--lang", lang)
    assert shown.startswith(f"{code}  (")
    assert all(text in shown for text in explanations()[code][lang].values())


def test_a_rule_of_the_schema_is_explained_under_its_own_name(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, "schema.required")
    assert shown.startswith("schema.required  (")
    assert explanations()["schema"]["en"]["fix"] in shown


def test_an_error_is_explained_and_leads_to_its_entry(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, "limit_requests")
    assert catalogue()["Throttling.RateQuota"].explanation["en"] in shown
    assert shown.endswith("dashscope-mock errors Throttling.RateQuota\n")
    assert catalogue()["Arrearage"].explanation["zh"] in printed(capsys, "Arrearage", "--lang", "zh")


def test_without_a_code_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys)
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("  ")] == list(explanations())
    assert "请求违反约定" in printed(capsys, "--lang", "zh")


def test_programs_get_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(printed(capsys, "retry.storm", "--json"))
    assert found == dict(explanations()["retry.storm"])
    assert {row["code"] for row in json.loads(printed(capsys, "--json"))} == set(explanations())


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("retry.strom", "Did you mean retry.storm"),
        ("schema.", "Did you mean schema"),
        ("Arearage", "Did you mean Arrearage"),
        ("zzzzzzzz", "lists the codes"),
    ],
)
def test_an_unknown_code_is_refused_with_what_is_near(code: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", code]) == 2
    assert said in capsys.readouterr().err


def test_every_word_offered_for_completion_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for word in words():
        assert printed(capsys, word).startswith(word)
