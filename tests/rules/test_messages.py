"""Who may speak when, in the words of the service."""

from typing import Any

import pytest
from refusals import ENGINE, USER, Dialect, body_of, compatible_body, drafted, native_body, refusal, said

BOTH = pytest.mark.parametrize("dialect", ["native", "compatible"])
ROLES = (
    'Role must be in ["user","assistant","system","function","plugin","tool"] and the role in last message must '
    'be in ["user","function","tool"]'
)
ROLES_2024 = "Role must be user or assistant and Content length must be greater than 0"
NO_USER = "The input messages do not contain elements with the role of user"
ORPHAN = 'messages with role "tool" must be a response to a preceeding message with "tool_calls".'
NO_ARGUMENTS = "If tool_calls are present in the message, function.arguments must be defined."
NO_JSON = 'The "function.arguments" parameter of the code model must be in JSON format.'
PART = "The provided messages input is invalid. The error info is [Unexpected item type in content.]"


def unanswered(dialect: Dialect, index: int) -> str:
    following = "The following  tool_call_ids" if dialect == "compatible" else "The following tool_call_ids"
    return (
        'An assistant message with "tool_calls" must be followed by tool messages responding to each '
        f'"tool_call_id". {following} did not have response messages: message[{index}].role'
    )


def turn(role: str, content: Any = "好", **fields: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **fields}


def calling(*ids: str, arguments: str = "{}") -> dict[str, Any]:
    calls = [{"id": id_, "type": "function", "function": {"name": "weather", "arguments": arguments}} for id_ in ids]
    return turn("assistant", "", tool_calls=calls)


def answering(id_: str | None) -> dict[str, Any]:
    return turn("tool", **({} if id_ is None else {"tool_call_id": id_}))


SILENT_CALL = turn("assistant", tool_calls=[{"id": "a", "function": {"name": "weather"}}])


@BOTH
@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([turn("system"), turn("tool", tool_call_id="a")], NO_USER),
        ([{"role": "user"}], "The content field is a required field."),
        ([turn("user", None)], "The content field is a required field."),
        ([turn("system", None), USER], "The content field is a required field."),
        ([USER, answering("a")], ORPHAN),
        ([USER, calling("a"), answering("b")], ORPHAN),
        ([USER, calling("a"), answering("a"), USER, answering("a")], ORPHAN),
        ([USER, SILENT_CALL, answering("a")], NO_ARGUMENTS),
    ],
)
def test_a_broken_conversation_is_refused(dialect: Dialect, messages: list[Any], text: str) -> None:
    body = body_of(dialect, "qwen-plus", messages)
    assert said(dialect, body) == ENGINE + text
    assert said(dialect, body, profile="2024") == text


@BOTH
@pytest.mark.parametrize(
    ("messages", "index"),
    [
        ([USER, calling("a"), USER], 2),
        ([USER, calling("a", "b"), answering("a"), USER], 3),
        ([USER, calling("a", "b"), answering("b"), answering("b")], 4),
    ],
)
def test_every_call_is_answered(dialect: Dialect, messages: list[Any], index: int) -> None:
    assert said(dialect, body_of(dialect, "qwen-plus", messages)) == ENGINE + unanswered(dialect, index)


@BOTH
@pytest.mark.parametrize(
    "messages",
    [
        [USER],
        [turn("system"), turn("assistant"), USER],
        [USER, turn("assistant", None), USER],
        [USER, turn("assistant", "春天", partial=True)],
        [USER, calling("a", "b"), answering("b"), answering("a")],
        [USER, calling("a", "b"), answering(None), answering(None)],
        [USER, calling("a", arguments="no json"), answering("a"), turn("assistant"), USER],
    ],
)
def test_a_whole_conversation_is_accepted(dialect: Dialect, messages: list[Any]) -> None:
    assert said(dialect, body_of(dialect, "qwen-plus", messages)) is None


@BOTH
def test_models_for_code_read_the_arguments(dialect: Dialect) -> None:
    messages = [USER, calling("a", arguments="no json"), answering("a")]
    assert said(dialect, body_of(dialect, "qwen3-coder-plus", messages)) == ENGINE + NO_JSON


@pytest.mark.parametrize(
    "messages",
    [
        [turn("developer"), USER],
        [turn("", "好")],
        [{"content": "好"}],
        [USER, turn("assistant")],
        [turn("system")],
    ],
)
def test_native_roles_are_known_and_the_last_is_not_the_model_s(messages: list[Any]) -> None:
    assert said("native", native_body("qwen-plus", messages)) == ENGINE + ROLES
    assert said("native", native_body("qwen-plus", messages), profile="2024") == ROLES_2024


def test_the_compatible_dialect_lets_the_model_speak_last() -> None:
    assert said("compatible", compatible_body("qwen-plus", [USER, turn("assistant")])) is None


@pytest.mark.parametrize(
    ("given", "now", "then"),
    [
        ({}, ENGINE + 'Either "prompt" or "messages" must exist and cannot both be none', None),
        ({"messages": []}, ENGINE + "[] is too short", "[] is too short"),
        (
            {"prompt": "你好", "messages": [USER]},
            ENGINE + 'Only one of the parameters "prompt" and "messages" can be present',
            "",
        ),
        (
            {"prompt": "你好", "messages": []},
            ENGINE + 'Only one of the parameters "prompt" and "messages" can be present',
            ROLES_2024,
        ),
        ({"messages": [turn("user", "")]}, None, ROLES_2024),
    ],
)
def test_native_input_is_a_prompt_or_messages(given: dict[str, Any], now: str | None, then: str | None) -> None:
    body = {"model": "qwen-max", "input": given}
    assert said("native", body) == now
    expected = (now or "").removeprefix(ENGINE) if then is None else then or None
    assert said("native", body, profile="2024") == expected


def test_a_compatible_call_has_messages() -> None:
    text = 'Either "prompt" or "messages" must exist and cannot both be none'
    assert said("compatible", {"model": "qwen-plus"}) == ENGINE + text
    assert said("compatible", {"model": "qwen-plus", "prompt": "你好", "messages": None}) == ENGINE + text


PICTURE = [{"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}]


@pytest.mark.parametrize(
    ("dialect", "model", "content", "text"),
    [
        ("native", "qwen-plus", [{"text": "你好"}], "input content must be a string."),
        ("compatible", "qwen-plus", PICTURE, PART + "."),
        ("compatible", "qwen-plus", ["你好"], PART + "."),
        ("compatible", "qwen-vl-max", [{"type": "text"}], PART + "."),
        (
            "compatible",
            "qwen-plus",
            [{"type": "doc"}],
            "Invalid value: doc. Supported values are: 'text','image_url','video_url' and 'video'.",
        ),
        (
            "compatible",
            "qwen-long",
            [{"type": "text", "text": "你好"}],
            "Input error. Input should be a valid string: input.messages.0.content",
        ),
    ],
)
def test_contents_that_a_model_does_not_take_are_refused(dialect: Dialect, model: str, content: Any, text: str) -> None:
    assert said(dialect, body_of(dialect, model, [turn("user", content)])) == ENGINE + text


def test_contents_in_parts_are_put_together() -> None:
    content = [{"type": "text", "text": "你"}, {"type": "text", "text": "好"}]
    draft = drafted("compatible", compatible_body("qwen-plus", [turn("user", content)]))
    assert draft.request().messages[0].content == "你好"
    seen = drafted("compatible", compatible_body("qwen-vl-max", [turn("user", [*content, *PICTURE])]))
    assert (seen.request().messages[0].content, seen.request().messages[0].media) == ("你好", 1)


def test_a_refused_native_stream_is_one_event_with_status_200() -> None:
    refused = refusal("native", native_body("qwen-plus", [USER, answering("a")]), stream=True)
    assert refused is not None
    assert (refused.status, refused.content_type) == (200, b"text/event-stream;charset=UTF-8")
    assert (
        refused.body
        == (
            'id:1\nevent:error\n:HTTP_STATUS/400\ndata:{"code":"InvalidParameter","message":"'
            + (ENGINE + ORPHAN).replace('"', '\\"')
            + '","request_id":"<uuid>"}\n\n'
        ).encode()
    )
