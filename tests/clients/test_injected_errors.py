"""The errors of the service's documents, injected by name, as the two SDKs show them."""

from typing import Any

import openai
import pytest
from openai import OpenAI

from clients.samples import MESSAGES, Sdk
from mockserver import errors
from mockserver.errors import catalogue
from mockserver.profiles import DEFAULT_PROFILE, PROFILES

PROFILE = PROFILES[DEFAULT_PROFILE]
DOCUMENTED = [
    "InvalidApiKey",
    "InvalidParameter",
    "InvalidURL",
    "Arrearage",
    "DataInspectionFailed",
    "AccessDenied",
    "AccessDenied.Unpurchased",
    "Model.AccessDenied",
    "Workspace.AccessDenied",
    "ModelNotFound",
    "Throttling",
    "Throttling.RateQuota",
    "Throttling.AllocationQuota",
    "Throttling.BurstRate",
    "Throttling.Concurrency",
    "InternalError",
    "InternalError.Timeout",
    "RequestTimeOut",
    "ModelServingError",
    "ModelUnavailable",
]
"""What the documents of 2024 and later list for text generation."""
RAISED: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    503: openai.InternalServerError,
}

SHOWN_IN_STREAMS = 400
"""The dashscope SDK does not read the `:HTTP_STATUS` of an event: every error event is a 400 to it."""

every_documented_error = pytest.mark.parametrize("name", DOCUMENTED)


def called(sdk: Sdk, words: str, *, stream: bool) -> list[Any]:
    """The responses of one call, of which there are several in a stream."""
    made = sdk.Generation.call(
        model="qwen-plus", messages=MESSAGES, result_format="message", stream=stream, headers={"X-Mock": words}
    )
    return list(made) if stream else [made]


def check_native(response: Any, name: str, status: int) -> None:
    entry = catalogue()[name]
    form = errors.native_form(entry, PROFILE)
    shown = (response.status_code, response.code, response.message)
    assert shown == (status, form.code, errors.text(form, entry.example, PROFILE))
    assert len(response.request_id) == len("00000000-0000-0000-0000-000000000000")


@every_documented_error
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_dashscope_returns_status_code_message_and_request_id(sdk: Sdk, name: str, stream: bool) -> None:
    [response] = called(sdk, f"fault={name}", stream=stream)
    form = catalogue()[name].native
    check_native(response, name, SHOWN_IN_STREAMS if stream and form.stream == "event-200" else form.status)
    assert response.output is None


@every_documented_error
def test_dashscope_returns_an_error_in_the_middle_of_a_stream_as_its_last_response(sdk: Sdk, name: str) -> None:
    *before, last = called(sdk, f"fault={name} after=2", stream=True)
    assert [response.status_code for response in before] == [200, 200]
    check_native(last, name, SHOWN_IN_STREAMS)
    assert last.request_id == before[0].request_id


@every_documented_error
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_openai_raises_the_exception_of_the_status(openai_client: OpenAI, name: str, stream: bool) -> None:
    entry = catalogue()[name]
    form = errors.compatible_form(entry, PROFILE)
    with pytest.raises(RAISED[form.status]) as raised:
        openai_client.chat.completions.create(
            model="qwen-plus", messages=MESSAGES, stream=stream, extra_headers={"X-Mock": f"fault={name}"}
        )
    error = raised.value
    assert error.response.headers["x-request-id"] == error.request_id
    if stream and form.shape == "engine":  # the refusal is an event, which the SDK does not look into
        assert error.body is None or isinstance(error.body, str)
        assert f'"code":"{form.code}"' in error.response.text
        return
    assert (error.status_code, error.code, error.type) == (form.status, form.code, form.type)
    assert errors.text(form, entry.example, PROFILE) in error.message


@every_documented_error
def test_openai_raises_an_error_in_the_middle_of_a_stream(openai_client: OpenAI, name: str) -> None:
    entry = catalogue()[name]
    form = errors.compatible_form(entry, PROFILE)
    stream = openai_client.chat.completions.create(
        model="qwen-plus", messages=MESSAGES, stream=True, extra_headers={"X-Mock": f"fault={name} after=3"}
    )
    seen = 0
    with pytest.raises(openai.APIError) as raised:  # noqa: PT012 - the error is among the chunks
        for _chunk in stream:
            seen += 1
    assert seen == 3
    assert raised.value.message == errors.text(form, entry.example, PROFILE, prefixed=False)
    assert raised.value.body == {
        "code": form.code,
        "param": form.param,
        "message": raised.value.message,
        "type": form.type,
    }


def test_openai_waits_as_long_as_retry_after_says_and_tries_again(openai_client: OpenAI) -> None:
    retrying = openai_client.with_options(max_retries=1)
    answer = retrying.chat.completions.create(
        model="qwen-plus",
        messages=MESSAGES,
        extra_headers={"X-Mock": "fault=Throttling.RateQuota once retry_after=0.05"},
    )
    assert answer.choices[0].finish_reason == "stop"
