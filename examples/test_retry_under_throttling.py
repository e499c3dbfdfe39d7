"""Does the application survive throttling, and does it behave while it waits?

The stub is throttled twice and then answers. Were the client to give up early, the stub would be left over and the test
would fail; were it to hammer the service, the verdict would say so.
"""

import time
from collections.abc import Callable

import pytest
from openai import OpenAI, RateLimitError

from mockserver import Mock


def ask(client: OpenAI, *, attempts: int = 3, sleep: Callable[[float], None] = time.sleep) -> str:
    """The code under test: tries again after the delay that the service asks for."""
    for attempt in range(1, attempts + 1):
        try:
            answer = client.chat.completions.create(
                model="qwen-plus",
                messages=[{"role": "user", "content": "weather?"}],
                extra_headers={"x-stainless-retry-count": str(attempt - 1)},  # attempts at one call, not new calls
            )
        except RateLimitError as error:
            if attempt == attempts:
                raise
            sleep(float(error.response.headers.get("retry-after", 1)))
        else:
            return answer.choices[0].message.content or ""
    return ""


def test_it_survives_two_refusals_and_waits_in_between(dashscope_mock: Mock) -> None:
    dashscope_mock.on(endpoint="chat").fail("Throttling.RateQuota", retry_after=0.1).times(2).then.reply("sunny").once()
    with OpenAI(max_retries=0) as client:
        assert ask(client) == "sunny"
    assert [record.status for record in dashscope_mock.journal] == [429, 429, 200]
    dashscope_mock.assert_clean()


def test_it_gives_up_in_the_end(dashscope_mock: Mock) -> None:
    dashscope_mock.on(endpoint="chat").fail("Throttling.RateQuota").times(3)
    with OpenAI(max_retries=0) as client, pytest.raises(RateLimitError):
        ask(client, sleep=lambda _seconds: None)


def test_a_client_that_does_not_wait_is_found_out(dashscope_mock: Mock) -> None:
    dashscope_mock.on(endpoint="chat").fail("Throttling.RateQuota", retry_after=5).once().then.reply("sunny").once()
    with OpenAI(max_retries=0) as client:
        ask(client, sleep=lambda _seconds: None)
    assert [finding.code for finding in dashscope_mock.verdict()] == ["retry.after-ignored"]
