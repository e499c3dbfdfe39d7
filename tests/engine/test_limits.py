"""What stop sequences and limits leave of a reply, and what is billed for it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine import tokenizer
from mockserver.engine.limits import complete
from mockserver.generation import Choice, GenerationRequest, Message, Reply, ToolCall
from mockserver.models import Model

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ALPHABET = st.text("ab🜚你好 ", max_size=30)
CALLS = (
    ToolCall("call_1", "get_current_weather", '{"location": "浙江省杭州市"}'),
    ToolCall("call_2", "get_current_weather", '{"location": "上海市"}'),
)


def model(name: str = "qwen-plus", **fields: Any) -> Model:
    return Model(
        **{
            "name": name,
            "endpoint": "text-generation",
            "max_input": None,
            "max_output": 8_192,
            "default_max_tokens": 8_192,
            "thinking": "hybrid_off",
            **fields,
        }
    )


def say(reply: Reply, *, limit: int = 8_192, of: Model | None = None, **fields: Any) -> Choice:
    request = GenerationRequest("native", of or model(), (Message("user", "?"),), **fields)
    return complete(request, [reply], tokenizer.load(), limit=limit).choices[0]


@given(TEXTS, st.integers(1, 60))
def test_a_longer_reply_is_cut_after_exactly_max_tokens(text: str, limit: int) -> None:
    choice = say(Reply(text), max_tokens=limit)
    tokens = tokenizer.load().count(text)
    assert text.startswith(choice.text.text)
    assert choice.output_tokens == min(limit, tokens)
    assert choice.finish_reason == ("length" if limit < tokens else "stop")


def test_a_character_cut_in_two_is_billed_but_not_said() -> None:
    choice = say(Reply("a🜚b"), max_tokens=2)
    assert (choice.text.text, choice.output_tokens, choice.finish_reason) == ("a", 2, "length")


def test_a_reply_that_just_fits_ends_with_stop() -> None:
    choice = say(Reply("代码改变世界"), max_tokens=3)
    assert (choice.text.text, choice.finish_reason) == ("代码改变世界", "stop")


def test_the_model_s_limit_holds_where_the_request_has_none() -> None:
    assert say(Reply("代码改变世界"), limit=2).text.text == "代码改变"
    assert say(Reply("代码改变世界"), limit=2, max_tokens=3).finish_reason == "stop"


@given(
    ALPHABET,
    st.lists(st.text("ab🜚你好 ", min_size=1, max_size=3), min_size=1, max_size=3),
    st.integers(1, 40),
)
def test_a_stop_sequence_is_never_in_the_text(text: str, stops: list[str], limit: int) -> None:
    choice = say(Reply(text), stop=tuple(stops), max_tokens=limit)
    assert not any(stop in choice.text.text for stop in stops)
    assert text.startswith(choice.text.text)
    if choice.finish_reason == "stop" and choice.text.text != text:
        assert text.startswith(tuple(choice.text.text + stop for stop in stops))
        assert choice.output_tokens == tokenizer.load().count(choice.text.text)


def test_a_stop_sequence_may_straddle_tokens() -> None:
    assert say(Reply("Observation deck"), stop=("tion d",)).text.text == "Observa"


@pytest.mark.parametrize(
    ("stop", "text", "kept"),
    [
        ((108386,), "我说你好，世界", "我说"),
        ((104307,), "今天天气不错", "今天"),
        ((37763, 367), "Thought: ok\nObservation: 18", "Thought: ok\n"),
        ((37763, 10**9), "Observation", "Observation"),
        ((), "Observation", "Observation"),
    ],
)
def test_token_ids_stop_like_the_text_they_spell(stop: tuple[int, ...], text: str, kept: str) -> None:
    choice = say(Reply(text), stop=(stop,))
    assert (choice.text.text, choice.finish_reason) == (kept, "stop")


def test_ids_inside_a_character_are_matched_as_tokens() -> None:
    inside = tokenizer.load().encode("🜚")[1]
    assert say(Reply("ab🜚c"), stop=((inside,),)).text.text == "ab"
    assert say(Reply("ab你c"), stop=((inside,),)).text.text == "ab你c"


def test_the_earliest_stop_sequence_wins() -> None:
    assert say(Reply("one two three"), stop=("three", "two")).text.text == "one "


def test_a_stop_sequence_after_the_limit_is_not_reached() -> None:
    choice = say(Reply("代码改变世界"), stop=("世界",), max_tokens=2)
    assert (choice.text.text, choice.finish_reason) == ("代码改变", "length")


def test_a_stop_sequence_ends_the_reply_before_its_calls_and_spares_the_reasoning() -> None:
    choice = say(Reply("say no more", "no", CALLS), stop=("no",), thinking=True)
    assert (choice.reasoning.text, choice.text.text, choice.calls) == ("no", "say ", ())
    assert choice.finish_reason == "stop"


def test_reasoning_costs_its_tags() -> None:
    choice = say(Reply("代码", "改变"), thinking=True)
    assert (choice.thinking_overhead, choice.output_tokens) == ((2, 3), 7)


def test_without_thinking_there_are_no_tags() -> None:
    assert say(Reply("代码", "改变")).thinking_overhead == (0, 0)
    assert say(Reply("代码"), thinking=True).thinking_overhead == (0, 0)
    multimodal = model(endpoint="multimodal-generation")
    assert say(Reply("代码", "改变"), of=multimodal, thinking=True).thinking_overhead == (0, 0)


def test_max_tokens_does_not_limit_the_reasoning() -> None:
    choice = say(Reply("代码改变世界", "a b c d e f"), max_tokens=1, thinking=True)
    assert (choice.reasoning.text, choice.text.text) == ("a b c d e f", "代码")


def test_a_thinking_budget_cuts_the_reasoning_and_the_answer_follows() -> None:
    choice = say(Reply("代码", "a b c d e f"), thinking_budget=2, thinking=True)
    assert (choice.reasoning.text, choice.text.text, choice.finish_reason) == ("a b", "代码", "stop")
    assert say(Reply("", "a b c"), of=model(max_cot=1), thinking=True).reasoning.text == "a"


def test_max_completion_tokens_of_20_bill_21_tokens_of_deepseek() -> None:
    deepseek = model("deepseek-v4-pro")
    choice = say(Reply("代码", "a " * 40), of=deepseek, max_completion_tokens=20, thinking=True)
    assert (choice.output_tokens, choice.text.text, choice.finish_reason) == (21, "", "length")


@given(st.integers(1, 12))
def test_max_completion_tokens_limit_reasoning_and_text_together(limit: int) -> None:
    choice = say(Reply("代码改变世界", "a b c d"), max_completion_tokens=limit, thinking=True)
    assert len(choice.reasoning.ends) + len(choice.text.ends) == min(limit, 7)
    assert choice.thinking_overhead == (2, 3 if limit > 4 else 0)
    assert choice.finish_reason == ("length" if limit < 7 else "stop")


def test_recorded_parallel_calls_cost_37_tokens() -> None:
    choice = say(Reply(tool_calls=CALLS))
    assert [call.overhead for call in choice.calls] == [12, 12]
    assert (choice.output_tokens, choice.finish_reason) == (37, "tool_calls")


@given(st.integers(1, 40))
def test_a_limit_cuts_inside_calls(limit: int) -> None:
    choice = say(Reply("代码", tool_calls=CALLS), max_tokens=limit)
    assert choice.output_tokens == min(limit, 38)
    assert choice.finish_reason == ("length" if limit < 38 else "tool_calls")
    for call, whole in zip(choice.calls, CALLS, strict=False):
        assert whole.arguments.startswith(call.arguments.text)


def test_a_reply_may_name_its_finish_reason() -> None:
    assert say(Reply("a", finish_reason="content_filter")).finish_reason == "content_filter"
    assert say(Reply("a b", finish_reason="content_filter"), max_tokens=1).finish_reason == "length"


def test_every_reply_is_a_choice_and_the_prompt_is_counted_once() -> None:
    request = GenerationRequest("native", model(), (Message("user", "请问 1+1 是多少？"),), n=2)
    completion = complete(request, [Reply("代码"), Reply("改变世界")], tokenizer.load(), limit=9)
    assert [choice.index for choice in completion.choices] == [0, 1]
    assert (completion.input_tokens, completion.output_tokens) == (16, 3)
    assert complete(request, [], tokenizer.load(), limit=9, input_tokens=7).input_tokens == 7
