from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.errors import (
    ApiError,
    CatalogueError,
    catalogue,
    compatible_form,
    native_form,
    text,
    validator_text,
)
from mockserver.profiles import PROFILES, Profile

ENGINE = "<400> InternalError.Algo.InvalidParameter: "
LINK = " For details, see: https://help.aliyun.com/zh/model-studio/error-code#"
NOW = PROFILES["2026"]
THEN = PROFILES["2024"]


class Sample(NamedTuple):
    name: str
    params: dict[str, object]
    native: str
    native_2024: str
    compatible: str
    compatible_2024: str


WIRE = [
    Sample(
        "InvalidApiKey",
        {},
        "Invalid API-key provided.",
        "Invalid API-key provided.",
        f"Incorrect API key provided.{LINK}apikey-error",
        "Incorrect API key provided. ",
    ),
    Sample(
        "Throttling.RateQuota",
        {},
        f"Requests rate limit exceeded, please try again later.{LINK}rate-limit",
        "Requests rate limit exceeded, please try again later.",
        f"You have exceeded your current request limit.{LINK}rate-limit",
        "You exceeded your current requests list.",
    ),
    Sample(
        "Throttling.AllocationQuota",
        {},
        f"Allocated quota exceeded, please increase your quota limit.{LINK}token-limit",
        "Allocated quota exceeded, please increase your quota limit.",
        f"You exceeded your current quota, please check your plan and billing details.{LINK}token-limit",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    Sample(
        "InvalidParameter/max-tokens-range",
        {"max": 32768},
        f"{ENGINE}Range of max_tokens should be [1, 32768]",
        "Range of max_tokens should be [1, 32768]",
        f"{ENGINE}Range of max_tokens should be [1, 32768]",
        "Range of max_tokens should be [1, 32768]",
    ),
    Sample(
        "InvalidParameter/temperature-range",
        {},
        f"{ENGINE}Temperature should be in [0.0, 2.0]",
        "Temperature should be in [0.0, 2.0)",
        f"{ENGINE}Temperature should be in [0.0, 2.0)",
        "Temperature should be in [0.0, 2.0)",
    ),
    Sample(
        "InvalidParameter/thinking-needs-stream",
        {},
        "parameter.enable_thinking must be set to false for non-streaming calls",
        "parameter.enable_thinking must be set to false for non-streaming calls",
        "parameter.enable_thinking must be set to false for non-streaming calls",
        "parameter.enable_thinking must be set to false for non-streaming calls",
    ),
    Sample(
        "InvalidParameter/url-error",
        {},
        f"url error, please check url！{LINK}error-url",
        "url error, please check url！",
        f"url error, please check url！{LINK}error-url",
        "url error, please check url！",
    ),
    Sample(
        "DataInspectionFailed/input-text",
        {},
        "<400> InternalError.Algo.DataInspectionFailed: Input text data may contain inappropriate content.",
        "Input text data may contain inappropriate content.",
        "<400> InternalError.Algo.DataInspectionFailed: Input text data may contain inappropriate content.",
        "Input text data may contain inappropriate content.",
    ),
    Sample(
        "InvalidParameter/model-not-exist",
        {"model": "qwen-9"},
        "Model not exist.",
        "Model not exist.",
        "The model `qwen-9` does not exist or you do not have access to it.",
        "The model `qwen-9` does not exist or you do not have access to it.",
    ),
]


def _native(error: ApiError, profile: Profile) -> str:
    return text(native_form(error.entry, profile), error.params, profile)


def _compatible(error: ApiError, profile: Profile) -> str:
    return text(compatible_form(error.entry, profile), error.params, profile)


@pytest.mark.parametrize("wire", WIRE, ids=[sample.name for sample in WIRE])
def test_both_dialects_say_what_the_wire_said_in_both_eras(wire: Sample) -> None:
    error = ApiError(wire.name, **wire.params)
    assert _native(error, NOW) == wire.native
    assert _native(error, THEN) == wire.native_2024
    assert _compatible(error, NOW) == wire.compatible
    assert _compatible(error, THEN) == wire.compatible_2024


def test_a_stream_of_the_compatible_dialect_leaves_the_prefix_out() -> None:
    form = compatible_form(catalogue()["InvalidParameter/top-logprobs-range"], NOW)
    assert text(form, {}, NOW, prefixed=False) == "Range of top_logprobs should be [0, 5]"


def test_a_link_stays_where_the_prefix_goes() -> None:
    form = native_form(catalogue()["Arrearage"], NOW)
    assert text(form, {}, NOW, prefixed=False).endswith(f"{LINK}overdue-payment")


def test_overrides_of_one_era_leave_the_other_fields_alone() -> None:
    entry = catalogue()["InvalidApiKey"]
    then = compatible_form(entry, THEN)
    assert then.message == "Incorrect API key provided. "
    assert (then.status, then.code, then.shape) == (401, "invalid_api_key", "gateway")


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_error_can_be_raised_by_its_name_alone(profile: Profile) -> None:
    for name, entry in catalogue().items():
        error = ApiError(name)
        assert _native(error, profile)
        assert bool(_compatible(error, profile)) == (entry.compatible.shape != "empty")


def test_a_given_value_wins_over_the_example() -> None:
    assert ApiError("InvalidParameter/max-tokens-range").params == {"max": 8192}
    assert ApiError("InvalidParameter/max-tokens-range", max=5).params == {"max": 5}


def test_a_missing_value_is_named() -> None:
    form = native_form(catalogue()["InvalidParameter/file-invalid"], NOW)
    with pytest.raises(CatalogueError, match="needs a value for 'file_id'"):
        text(form, {}, NOW)


@given(st.text())
@example("{max} {} {0} %s \\1")
def test_values_are_said_as_they_are(details: str) -> None:
    error = ApiError("InvalidParameter/validation", details=details)
    assert _native(error, THEN) == details
    assert _native(error, NOW) == f"{ENGINE}{details}"


@given(st.text().filter(lambda name: not name[:1].isascii()))
def test_no_other_name_finds_anything(name: str) -> None:
    with pytest.raises(CatalogueError):
        catalogue()[name]


def test_an_unknown_name_suggests_the_near_ones() -> None:
    with pytest.raises(CatalogueError, match=r"'Throtling'\. Did you mean .*Throttling"):
        catalogue()["Throtling"]
    with pytest.raises(CatalogueError, match=r"named 'xyz'\.$"):
        ApiError("xyz")


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("invalid_api_key", "InvalidApiKey"),
        ("limit_requests", "Throttling.RateQuota"),
        ("LimitRequests", "Throttling.RateQuota"),
        ("limit_burst_rate", "Throttling.BurstRate"),
        ("insufficient_quota", "Throttling.AllocationQuota"),
        ("model_not_found", "InvalidParameter/model-not-exist"),
        ("model_not_supported", "InvalidParameter/model-not-compatible"),
        ("data_inspection_failed", "DataInspectionFailed"),
        ("internal_error", "InternalError"),
        ("access_denied", "AccessDenied"),
        ("invalid_parameter_error", "InvalidParameter"),
    ],
)
def test_a_code_of_the_other_dialect_finds_the_same_error(alias: str, name: str) -> None:
    assert catalogue()[alias] is catalogue()[name]


def test_validators_take_their_words_from_the_catalogue() -> None:
    assert validator_text("native", "required", path="input.messages") == "Field required: input.messages"
    assert validator_text("compatible", "number", name="temperature") == "'temperature' must be Float"
    minimum = validator_text("compatible", "minimum", value=-1, minimum=0, name="seed")
    assert minimum == "-1 is lesser than the minimum of 0 - 'seed'"


def test_an_unknown_validator_text_names_the_known_ones() -> None:
    with pytest.raises(CatalogueError, match=r"no native validator text 'strnig', only .*string"):
        validator_text("native", "strnig")
    with pytest.raises(CatalogueError, match="needs a value for 'path'"):
        validator_text("native", "string")
