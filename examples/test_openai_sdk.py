"""The openai SDK under test. `OpenAI()` finds key and address in the variables that the fixture sets.

pip install dashscope-mock openai pytest
pytest test_openai_sdk.py
"""

from collections.abc import Iterator

import pytest
from openai import APIError, OpenAI

from mockserver import Mock
from mockserver.stubs.stub import CallSpec

WEATHER = "get_weather"


@pytest.fixture
def client(dashscope_mock: Mock) -> Iterator[OpenAI]:
    """The client as the application makes it, once the mock is there."""
    assert dashscope_mock.api_key
    with OpenAI(max_retries=0) as made:
        yield made


def stream(client: OpenAI, question: str) -> Iterator[str]:
    """The code under test."""
    chunks = client.chat.completions.create(
        model="qwen-plus", messages=[{"role": "user", "content": question}], stream=True
    )
    for chunk in chunks:
        if chunk.choices and chunk.choices[0].delta.content:
            yield chunk.choices[0].delta.content


def test_a_stream_comes_in_the_pieces_that_the_stub_gives(dashscope_mock: Mock, client: OpenAI) -> None:
    dashscope_mock.on(stream=True).reply(chunks=["Sun", "ny", "."]).once()
    assert list(stream(client, "weather?")) == ["Sun", "ny", "."]


def test_a_stream_that_breaks_raises_after_what_it_has_said(dashscope_mock: Mock, client: OpenAI) -> None:
    dashscope_mock.on(stream=True).reply(chunks=["Sun", "ny", "."]).fail("DataInspectionFailed", after=2).once()
    heard: list[str] = []
    with pytest.raises(APIError, match="inappropriate content"):
        heard.extend(stream(client, "weather?"))
    assert heard == ["Sun"]


def test_the_model_calls_a_tool(dashscope_mock: Mock, client: OpenAI) -> None:
    dashscope_mock.on(tools=WEATHER).reply(tool_calls=[CallSpec(WEATHER, {"city": "杭州"})]).once()
    answer = client.chat.completions.create(
        model="qwen-plus",
        messages=[{"role": "user", "content": "杭州的天气？"}],
        tools=[{"type": "function", "function": {"name": WEATHER, "parameters": {"type": "object"}}}],
    )
    (call,) = answer.choices[0].message.tool_calls or ()
    assert call.type == "function"
    assert (call.function.name, call.function.arguments) == (WEATHER, '{"city": "杭州"}')
