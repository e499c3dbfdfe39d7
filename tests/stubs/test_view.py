"""What is seen of a request, in both dialects, of any body."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mockserver.stubs.view import View, view_of

USER = {"role": "user", "content": "天气"}
TOOL = {"type": "function", "function": {"name": "get_weather"}}


def view(body: Any) -> View:
    return view_of(body, endpoint="chat", dialect="compatible", stream=False)


def test_both_dialects_give_the_same_view() -> None:
    messages = [{"role": "system", "content": "s"}, USER]
    native = view({"model": "qwen-plus", "input": {"messages": messages}, "parameters": {"tools": [TOOL]}})
    compatible = view({"model": "qwen-plus", "messages": messages, "tools": [TOOL]})
    for each in (native, compatible):
        assert (each.model, each.last_user, each.turn, each.tools) == ("qwen-plus", "天气", 1, ("get_weather",))
        assert each.messages == tuple(messages)


def test_a_prompt_is_a_message_of_the_user() -> None:
    assert view({"input": {"prompt": "hi"}}).last_user == "hi"


def test_parts_are_one_text() -> None:
    parts = [{"type": "text", "text": "今天"}, {"type": "image_url"}, {"text": "天气"}]
    assert view({"messages": [{"role": "user", "content": parts}]}).last_user == "今天天气"


def test_only_the_tools_that_answered_since_the_last_user_count() -> None:
    answered = {"role": "tool", "content": "晴"}
    assert view({"messages": [USER, {"role": "assistant"}, answered]}).tool_results == ("晴",)
    assert view({"messages": [USER, answered, USER]}).tool_results == ()
    assert view({"messages": [USER, answered, USER]}).turn == 2


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "model",
                    "input",
                    "messages",
                    "prompt",
                    "role",
                    "content",
                    "text",
                    "tools",
                    "function",
                    "name",
                    "parameters",
                ]
            )
            | st.text(),
            inner | st.sampled_from(["user", "tool"]),
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(junk)
def test_any_body_has_a_view(body: Any) -> None:
    seen = view(body)
    assert isinstance(seen.last_user, str)
    assert seen.body is body
    assert 0 <= seen.turn <= len(seen.messages)
