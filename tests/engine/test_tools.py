import json
from dataclasses import replace
from random import Random
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine import tools
from mockserver.generation import GenerationRequest, Message, Tool, ToolCall
from mockserver.models import Model

MODEL = Model("qwen-max", "text-generation", 30_720, 8192, 2000, "no")
LOCATION = {"type": "string", "description": "城市或县区，比如北京市、杭州市、余杭区等。"}
WEATHER = Tool(
    "get_current_weather",
    "当你想查询指定城市的天气时非常有用。",
    {"type": "object", "properties": {"location": LOCATION}, "required": ["location"]},
)
TIME = Tool("get_current_time", "当你想知道现在的时间时非常有用。", {})
ADD = Tool(
    "addNumbers",
    "Add two numbers",
    {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
)
EMAIL = Tool(
    "send_email",
    "Sends an email",
    {"type": "object", "properties": {"to": {"type": "string", "format": "email"}}, "required": ["to"]},
)
ALL = (WEATHER, TIME, ADD, EMAIL)


def dice(seed: int = 1) -> Random:
    return Random(seed)  # noqa: S311 - repeatable, not secret


def ask(question: str, *, tools: tuple[Tool, ...] = ALL, **options: Any) -> GenerationRequest:
    return GenerationRequest("native", MODEL, (Message("user", question),), tools=tools, **options)


def made(request: GenerationRequest) -> list[tuple[str, Any]]:
    calls = tools.calls(request, "00", dice())
    return [(call.name, json.loads(call.arguments)) for call in calls]


@pytest.mark.parametrize(
    ("question", "tool"),
    [
        ("杭州天气怎么样", WEATHER),
        ("What's the weather in Paris?", WEATHER),
        ("Will it rain in Oslo?", WEATHER),
        ("现在几点了？", TIME),
        ("what time is it", TIME),
        ("What is 12 + 30?", ADD),
        ("add 3 and 4", ADD),
        ("mail the report to bob@example.com", EMAIL),
        ("use send_email now", EMAIL),
    ],
)
def test_the_tool_the_question_is_about_is_chosen(question: str, tool: Tool) -> None:
    assert tools.choose(ask(question)) == (tool,)


@pytest.mark.parametrize("question", ["", "你好", "hello", "讲个笑话", "Who are you?", "谢谢你的帮助", "好的"])
def test_no_tool_is_chosen_for_a_question_about_something_else(question: str) -> None:
    assert tools.choose(ask(question)) == ()


def test_tool_choice_none_and_a_forced_tool_win_over_the_words() -> None:
    assert tools.choose(ask("杭州天气", tool_choice="none")) == ()
    assert tools.choose(ask("杭州天气", tool_choice="send_email")) == (EMAIL,)
    assert tools.choose(ask("杭州天气", tool_choice="unknown")) == ()


def test_arguments_are_written_as_the_service_writes_them() -> None:
    (call,) = tools.calls(ask("浙江省杭州市的天气"), "00", dice())
    assert call.arguments == '{"location": "浙江省杭州市"}'
    assert call.id.startswith("call_")
    assert len(call.id) == len("call_") + 22
    assert int(call.id[5:], 16) >= 0


@pytest.mark.parametrize("question", ["杭州和上海天气怎么样", "Weather in Hangzhou and Shanghai?"])
def test_several_places_are_several_calls_when_calls_may_be_parallel(question: str) -> None:
    assert len(made(ask(question))) == 1
    calls = tools.calls(ask(question, parallel_tool_calls=True), "00", dice())
    assert len({call.arguments for call in calls}) == len({call.id for call in calls}) == 2


def test_two_tools_may_be_called_in_parallel() -> None:
    request = ask("What time is it, and how is the weather in Rome?", parallel_tool_calls=True)
    assert [name for name, _ in made(request)] == ["get_current_weather", "get_current_time"]
    assert len(made(replace(request, parallel_tool_calls=False))) == 1


def answered(request: GenerationRequest, *after: Message) -> GenerationRequest:
    calls = tools.calls(request, "00", dice())
    results = tuple(Message("tool", "20 度", tool_call_id=call.id) for call in calls)
    return replace(request, messages=(*request.messages, Message("assistant", "", tool_calls=calls), *results, *after))


def test_tool_choice_required_calls_the_best_match_however_bad() -> None:
    assert made(ask("你好")) == []
    assert len(made(ask("你好", tool_choice="required"))) == 1
    assert made(ask("现在几点了？", tool_choice="required"))[0][0] == TIME.name


def test_after_a_tool_result_nothing_is_called_not_even_a_forced_tool() -> None:
    for choice in ("auto", "get_current_weather"):
        request = ask("杭州天气", tool_choice=choice)
        assert made(request)
        assert not made(answered(request))
        assert not made(answered(request, Message("system", "Answer now.")))
        assert not made(answered(request, Message("assistant", "杭州", partial=True)))


def test_a_new_question_after_a_result_may_call_again() -> None:
    request = answered(ask("杭州天气"), Message("user", "上海的天气呢？"))
    assert made(request) == [("get_current_weather", {"location": "上海"})]


def test_a_result_of_the_2023_role_function_counts_too() -> None:
    call = ToolCall("c", "get_current_weather", "{}")
    messages = (
        Message("user", "杭州天气"),
        Message("assistant", "", tool_calls=(call,)),
        Message("function", "晴"),
    )
    assert not made(replace(ask(""), messages=messages))


@given(st.text(max_size=80), st.booleans(), st.sampled_from(["auto", *(tool.name for tool in ALL)]))
def test_arguments_always_satisfy_the_tool(question: str, parallel: bool, choice: str) -> None:
    by_name = {tool.name: tool for tool in ALL}
    for name, arguments in made(ask(question, parallel_tool_calls=parallel, tool_choice=choice)):
        jsonschema.validate(arguments, dict(by_name[name].parameters))


@pytest.mark.parametrize(
    "parameters", ["not-a-schema", None, {"type": "nope"}, {"properties": 3}, {"properties": {"a": 1}}]
)
def test_parameters_that_are_no_schema_are_called_with_an_empty_object(parameters: Any) -> None:
    assert made(ask("go", tools=(Tool("go", "", parameters),), tool_choice="go", parallel_tool_calls=True)) == [
        ("go", {})
    ]
