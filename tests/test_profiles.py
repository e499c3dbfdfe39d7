"""The two eras, as data."""

from dataclasses import fields

import pytest

from mockserver.engine.chunks import Chunking
from mockserver.models import models
from mockserver.profiles import DEFAULT_PROFILE, PROFILES, Profile, slicing

EVERY = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


def test_the_recorded_era_is_the_default() -> None:
    assert (DEFAULT_PROFILE, sorted(PROFILES)) == ("2026", ["2024", "2026"])


@EVERY
def test_a_profile_goes_by_its_name(profile: Profile) -> None:
    assert PROFILES[profile.name] is profile


def test_every_field_but_some_differs_between_the_eras() -> None:
    now, then = PROFILES["2026"], PROFILES["2024"]
    assert [field.name for field in fields(Profile) if getattr(now, field.name) == getattr(then, field.name)] == []


@EVERY
def test_every_place_of_a_chunk_has_the_same_keys(profile: Profile) -> None:
    orders = profile.compatible_choice_keys
    assert set(orders) == {"opening", "second", "running", "last"}
    assert {tuple(sorted(keys)) for keys in orders.values()} == {("delta", "finish_reason", "index", "logprobs")}


@EVERY
def test_every_format_has_a_usage(profile: Profile) -> None:
    assert set(profile.native_usage) == {"text", "message", "text-stream", "message-stream"}
    for keys in profile.native_usage.values():
        assert {"total_tokens", "input_tokens", "output_tokens"} <= set(keys)


@EVERY
def test_every_model_is_sliced_somehow(profile: Profile) -> None:
    for table in (profile.native_chunks, profile.compatible_chunks):
        for model in [*models(profile.name), "a model of tomorrow"]:
            parts = slicing(table, model)
            assert set(parts) == {"reasoning", "text", "call"}
            for chunking in parts.values():
                assert list(chunking.first) == sorted(set(chunking.first))
                assert chunking.step > 0


def test_the_longest_beginning_of_a_name_counts() -> None:
    table = {
        prefix: dict.fromkeys(("reasoning", "text", "call"), Chunking((), step))
        for step, prefix in enumerate(("", "qwen", "qwen-max"), start=1)
    }
    found = [slicing(table, model)["text"].step for model in ("gui", "qwen-plus", "qwen-max-0125")]  # type: ignore[arg-type]
    assert found == [1, 2, 3]


def test_a_link_needs_an_anchor_and_an_era_that_links() -> None:
    page = "https://help.aliyun.com/zh/model-studio/error-code#rate-limit"
    assert PROFILES["2026"].link("rate-limit") == f" For details, see: {page}"
    assert PROFILES["2026"].link(None) == ""
    assert PROFILES["2024"].link("rate-limit") == ""
