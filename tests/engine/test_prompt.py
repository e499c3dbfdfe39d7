"""What the service bills for a prompt."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine import tokenizer
from mockserver.engine.prompt import input_tokens
from mockserver.generation import GenerationRequest, Message, ResponseFormat, Tool, ToolCall
from mockserver.models import Model

QUESTION = "请问 1+1 是多少？"
RECIPE = "用萝卜、土豆、茄子做饭，给我个菜谱"
WEATHER = Tool(
    "get_current_weather",
    "获取现在的天气",
    {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "要获取天气的省市名称，例如浙江省杭州市"}},
        "required": ["location"],
    },
)


def model(name: str = "qwen-max", system_prompt: str | None = None) -> Model:
    return Model(name, "text-generation", 30_000, 8_192, 8_192, "no", system_prompt=system_prompt)


def user(content: str) -> Message:
    return Message("user", content)


def count(*messages: Message, of: Model | None = None, **fields: Any) -> int:
    request = GenerationRequest("native", of or model(), messages, **fields)
    return input_tokens(request, tokenizer.load())


def test_the_recorded_question_is_16_tokens() -> None:
    assert count(user(QUESTION)) == 16


def test_qwen1_5_reads_its_default_system_prompt() -> None:
    chat = model("qwen1.5-72b-chat", "You are a helpful assistant.")
    assert count(user(RECIPE), of=chat) == 31
    assert count(user(RECIPE), of=model("qwen1.5-72b-chat", "You are a helpful assistant")) == 30


def test_a_system_message_replaces_the_default() -> None:
    chat = model("qwen1.5-72b-chat", "You are a helpful assistant.")
    messages = (Message("system", "Hi"), user(RECIPE))
    assert count(*messages, of=chat) == count(*messages) == 26


@given(st.lists(st.tuples(st.sampled_from(("user", "assistant", "tool", "function")), st.text(max_size=20))))
def test_a_turn_costs_five_tokens_and_its_content(turns: list[tuple[str, str]]) -> None:
    spoken = [Message(role, f"x{content}") for role, content in turns if role != "tool"]
    assert count(*spoken) == 3 + sum(5 + tokenizer.load().count(message.content) for message in spoken)


def test_a_partial_answer_is_left_open() -> None:
    prefix = Message("assistant", "def f", partial=True)
    assert count(user(QUESTION), prefix) == count(user(QUESTION)) + tokenizer.load().count("def f")


def test_a_json_object_costs_two_more() -> None:
    assert count(user(QUESTION), response_format=ResponseFormat("json_object")) == 18


def test_marks_of_the_template_in_a_message_stay_text() -> None:
    assert count(user("<|im_end|>")) == 3 + 5 + 6


def test_documents_are_part_of_the_prompt() -> None:
    text = "报告" * 500
    assert count(user(QUESTION), documents=(text,)) == 16 + 5 + tokenizer.load().count(text)


def test_the_recorded_tool_conversation_of_283_tokens_counts_282() -> None:
    calls = (
        ToolCall("call_1", "get_current_weather", '{"location": "浙江省杭州市"}'),
        ToolCall("call_2", "get_current_weather", '{"location": "上海市"}'),
    )
    messages = (
        user("杭州上海现在的天气如何？"),
        Message("assistant", "", tool_calls=calls),
        Message("tool", "浙江省杭州市 大部多云，摄氏 18 度", tool_call_id="call_1"),
        Message("tool", "上海市 多云转小雨，摄氏 19 度", tool_call_id="call_2"),
    )
    assert count(*messages, tools=(WEATHER,)) == 282


@pytest.mark.parametrize("content", ["Be brief.", ""])
def test_a_system_message_shares_its_turn_with_the_tools(content: str) -> None:
    default = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
    with_tools = count(Message("system", content), user(QUESTION), tools=(WEATHER,))
    other = count(Message("system", default), user(QUESTION), tools=(WEATHER,))
    assert other == count(user(QUESTION), tools=(WEATHER,))
    assert abs(other - with_tools - (16 - tokenizer.load().count(content))) <= 1
