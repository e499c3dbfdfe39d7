"""What the schemas accept and refuse, and how a refusal reads."""

# ruff: noqa: E501 - recorded answers stand on one line, as on the wire

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mockserver import schemas

UUID = "7e3d5586-cb70-98ce-97bf-8a2ac0091c3f"
NATIVE, COMPATIBLE = "native/generation-request", "compatible/chat-request"
USER = {"role": "user", "content": "hi"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
EXAMPLES = [(name, example) for name in schemas.names() for example in schemas.document(name).get("examples", ())]


def native(**parameters: Any) -> dict[str, Any]:
    return {"model": "qwen-max", "input": {"messages": [USER]}, "parameters": parameters}


def native_messages(*messages: Any) -> dict[str, Any]:
    return {"model": "qwen-max", "input": {"messages": list(messages)}}


def chat(**fields: Any) -> dict[str, Any]:
    return {"model": "qwen-plus", "messages": [USER], **fields}


def only_breach(name: str, message: Any) -> schemas.Breach:
    assert not schemas.accepts(name, message)
    (breach,) = schemas.explain(name, message)
    return breach


# --- the files


@pytest.mark.parametrize("name", schemas.names())
def test_every_file_is_a_schema_that_says_what_it_is_and_where_from(name: str) -> None:
    document = schemas.document(name)
    Draft202012Validator.check_schema(document)
    assert document["$id"].endswith(f"/schemas/{name}.json")
    assert document["title"]
    assert document["description"]


@pytest.mark.parametrize("name", [n for n in schemas.names() if n.startswith(("native/", "compatible/"))])
def test_every_property_of_a_message_is_described_and_has_a_source(name: str) -> None:
    document = schemas.document(name)
    assert document["x-source"]
    for field, body in document.get("properties", {}).items():
        assert {"description", "$ref"} & set(body), field


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_every_example_is_accepted(name: str, example: Any) -> None:
    assert schemas.explain(name, example) == []
    assert schemas.accepts(name, example)


def test_the_copies_are_the_files(tmp_path: Path) -> None:
    written = schemas.write_all(tmp_path / "out")
    assert len(written) == len(schemas.names())
    assert json.loads((tmp_path / "out/native/error.json").read_bytes()) == schemas.document("native/error")


def test_an_unknown_name_is_an_error_that_proposes_the_right_one() -> None:
    with pytest.raises(schemas.UnknownSchema, match="Did you mean native/error"):
        schemas.document("native/eror")
    with pytest.raises(schemas.UnknownSchema):
        schemas.document("../pyproject")


# --- two validators, one truth

VALUES: list[Any] = [
    None, True, False, -1, 0, 1, 4, 5, 2, 2.0, 0.5, -2.5, 2**64 - 1, 2**64, 1e300, "", "null", "stop", "user",
    "assistant", "developer", "json_schema", "[DONE]", "auto", UUID, f"chatcmpl-{UUID}", [], [1], ["a"], [1, "a"], [[1]],
    [[1], "a"], [USER], {}, {"type": "function"}, {"type": "json_schema"}, {"text": "a"}, CALL,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Any]:
    name, example = draw(st.sampled_from(EXAMPLES))
    message = {"": copy.deepcopy(example)}
    for _ in range(draw(st.integers(1, 2))):
        place: tuple[Any, ...] = ("", *draw(st.sampled_from(list(places(message[""])))))
        *inner, last = place
        parent: Any = message
        for key in inner:
            parent = parent[key]
        match draw(st.sampled_from(["replace", "delete", "add"])):
            case "delete" if inner:
                del parent[last]
            case "add" if isinstance(parent[last], dict):
                fields = sorted(schemas.document(name).get("properties", {"x": None}))
                parent[last][draw(st.sampled_from(fields))] = copy.deepcopy(draw(st.sampled_from(VALUES)))
            case _:
                parent[last] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    return name, message[""]


@given(mutated())
def test_the_fast_and_the_explaining_validator_agree(case: tuple[str, Any]) -> None:
    name, message = case
    assert schemas.accepts(name, message) == (schemas.explain(name, message) == [])


@given(mutated())
def test_every_breach_points_into_the_message_and_is_one_sentence(case: tuple[str, Any]) -> None:
    name, message = case
    known = {"".join(f"/{key}" for key in path) for path in places(message)}
    for breach in schemas.explain(name, message):
        assert breach.path in known
        assert breach.message.endswith(".")
        assert "the rule is" not in breach.message or name.startswith("control/")


def test_a_message_nested_beyond_reason_is_explained_all_the_same() -> None:
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    assert only_breach(NATIVE, native(temperature=deep)).path == "/parameters/temperature"
    assert only_breach(NATIVE, native(seed=10**400)).keyword == "maximum"


# --- requests that real clients send

TOLERATED_NATIVE = {
    "no parameters": {"model": "qwen-max", "input": {"prompt": "hi"}},
    "null parameters": {"model": "qwen-max", "input": {"prompt": "hi"}, "parameters": None},
    "history": {"model": "m", "input": {"prompt": "hi", "history": [{"user": "a", "bot": "b"}]}},
    "unknown fields everywhere": {
        "model": "m", "x": 1, "input": {"messages": [{**USER, "x": 1}], "x": 1}, "parameters": {"x": 1},
    },
    "top-level stream": {**native(), "stream": True},
    "stream parameter": native(stream=True),
    "tools null": native(tools=None),
    "kwargs": native(kwargs={}),
    "output_in_full": native(output_in_full=True),
    "workspace parameter": native(workspace="ws"),
    "incremental_output without a stream": native(incremental_output=False),
    "all null": native(**dict.fromkeys(schemas.document("native/generation-parameters")["properties"])),
    "empty assistant": native_messages(USER, {"role": "assistant", "content": "", "tool_calls": [CALL]}, USER),
    "assistant without content": native_messages(USER, {"role": "assistant", "tool_calls": [CALL]}, USER),
    "tool without call id": native_messages(USER, {"role": "tool", "content": "a", "id": "1", "extra": {"a": 1}}),
    "parts": native_messages({"role": "user", "content": [{"text": "hi"}]}),
    "strict function": native(tools=[{"type": "function", "function": {"name": "f", "strict": True}}]),
    "parameters that are no schema": native(tools=[{"function": {"name": "f", "parameters": "not-a-schema"}}]),
    "required": native(tool_choice="required"),
    "forced tool": native(tool_choice={"type": "function", "function": {"name": "f"}}),
    "limits": native(
        temperature=2.0, top_p=1.0, n=4, seed=2**64 - 1, presence_penalty=-2, top_k=0, top_logprobs=5, max_tokens=1
    ),
}  # fmt: skip

TOLERATED_COMPATIBLE = {
    "parts": chat(messages=[{"role": "user", "content": [{"type": "text", "text": "hi"}]}]),
    "null assistant": chat(messages=[USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}]),
    "absent assistant": chat(messages=[USER, {"role": "assistant", "tool_calls": [CALL]}]),
    "empty assistant": chat(messages=[USER, {"role": "assistant", "content": ""}]),
    "tool without call id": chat(messages=[USER, {"role": "tool", "content": "a", "id": "1", "extra": {}}]),
    "stream false": chat(stream=False),
    "usage": chat(stream=True, stream_options={"include_usage": True}),
    "null options": chat(stream_options=None, stop=None, tools=None, tool_choice=None, response_format=None, n=None),
    "enable_thinking": chat(enable_thinking=False),
    "literal extra_body": chat(extra_body={"enable_thinking": False}),
    "temperature 0": chat(temperature=0),
    "ignored OpenAI fields": chat(user=1, store=True, metadata=[], logit_bias="x", frequency_penalty="y"),
    "required and strict": chat(
        tool_choice="required", tools=[{"type": "function", "function": {"name": "f", "strict": True}}]
    ),
    "image": chat(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLERATED_NATIVE)
def test_native_clients_may_send(case: str) -> None:
    assert schemas.explain(NATIVE, TOLERATED_NATIVE[case]) == []


@pytest.mark.parametrize("case", TOLERATED_COMPATIBLE)
def test_compatible_clients_may_send(case: str) -> None:
    assert schemas.explain(COMPATIBLE, TOLERATED_COMPATIBLE[case]) == []


@pytest.mark.parametrize("stop", ["a", ["a", "b"], [1, 2], [[1], [2, 3]], [], [[]], None])
def test_a_homogeneous_stop_is_accepted(stop: Any) -> None:
    assert schemas.accepts(NATIVE, native(stop=stop))
    assert schemas.accepts(COMPATIBLE, chat(stop=stop))


# --- requests that are refused, and why

OUT_OF_RANGE = [
    ("temperature", 2.1, " 2."),
    ("temperature", -0.1, "it must be at least 0."),
    ("temperature", "0.5", 'is "0.5"; it must be a number or null.'),
    ("top_p", 0, "it must be more than 0."),
    ("top_p", 1.01, "it must be at most 1."),
    ("n", 0, "it must be at least 1."),
    ("n", 5, "it must be at most 4."),
    ("seed", -1, "it must be at least 0."),
    ("seed", 2**64, "it must be at most 18446744073709551615."),
    ("max_tokens", 0, "it must be at least 1."),
    ("max_tokens", 1.5, "it must be a whole number or null."),
    ("max_tokens", True, "is true; it must be a whole number or null."),
    ("repetition_penalty", 0, "it must be more than 0."),
    ("presence_penalty", 2.5, "it must be at most 2."),
    ("top_k", -1, "it must be at least 0."),
    ("top_logprobs", 6, "it must be at most 5."),
    ("thinking_budget", 0, "it must be at least 1."),
    ("enable_search", 1, "is 1; it must be true or false or null."),
    ("tool_choice", "any", 'it must be "auto", "none" or "required".'),
    ("tool_choice", {"type": "function"}, "lacks `function`."),
    ("tools", {}, "it must be a list or null."),
    ("response_format", {}, "lacks `type`."),
    ("response_format", {"type": "json_schema"}, "lacks `json_schema`."),
]


@pytest.mark.parametrize(("field", "value", "words"), OUT_OF_RANGE)
def test_a_parameter_out_of_range_is_named_in_words(field: str, value: Any, words: str) -> None:
    for name, message, place in (
        (NATIVE, native(**{field: value}), f"parameters.{field}"),
        (COMPATIBLE, chat(**{field: value}), field),
    ):
        breach = only_breach(name, message)
        assert breach.message.startswith(f"{place} ")
        assert breach.message.endswith(words)
        assert breach.path == "/" + place.replace(".", "/")


def test_only_the_compatible_dialect_leaves_out_temperature_2() -> None:
    assert schemas.accepts(NATIVE, native(temperature=2))
    assert only_breach(COMPATIBLE, chat(temperature=2)).keyword == "exclusiveMaximum"


@pytest.mark.parametrize(
    ("stop", "place"),
    [(["a", 1], "[1]"), ([1, "a"], "[1]"), ([[1], 2], "[1]"), ([1.5], "[0]"), ([["a"]], "[0][0]")],
)
def test_a_mixed_stop_names_the_odd_one_out(stop: Any, place: str) -> None:
    assert only_breach(NATIVE, native(stop=stop)).message.startswith(f"parameters.stop{place} is ")


REFUSED_NATIVE = [
    ({"input": {"prompt": "hi"}}, "The message lacks `model`."),
    ({"model": 3, "input": {"prompt": "hi"}}, "model is 3; it must be a text."),
    ({"model": "m", "input": "hi"}, 'input is "hi"; it must be an object.'),
    ({"model": "m", "input": {"messages": []}}, "input.messages has 0 items; the least is 1."),
    ({"model": "m", "input": {}}, "input lacks `prompt`."),
    (native_messages({"role": "user"}), "input.messages[0] lacks `content`."),
    (native_messages({"role": "user", "content": None}), "input.messages[0].content is null; it must be a text or a list."),
    (
        native_messages({"role": "developer", "content": ""}),
        'input.messages[0].role is "developer"; it must be "system", "user", "assistant", "tool", "plugin" or "function".',
    ),
    (
        native_messages(USER, {"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}),
        "input.messages[1].tool_calls[0].function lacks `arguments`.",
    ),
    (native(tools=[{"type": "function"}]), "parameters.tools[0] lacks `function`."),
    (
        native(tools=[{"function": {"name": ""}}]),
        "parameters.tools[0].function.name has 0 characters; the least is 1.",
    ),
    (native(response_format={"type": "xml"}), 'parameters.response_format.type is "xml"; it must be "text", "json_object" or "json_schema".'),
]  # fmt: skip


@pytest.mark.parametrize(("message", "words"), REFUSED_NATIVE)
def test_a_native_refusal_reads_like_a_sentence(message: Any, words: str) -> None:
    assert only_breach(NATIVE, message).message == words


def test_a_compatible_part_must_hold_what_its_type_says() -> None:
    message = chat(messages=[{"role": "user", "content": [{"type": "image_url", "text": "a"}]}])
    assert only_breach(COMPATIBLE, message).message == "messages[0].content[0] lacks `image_url`."


def test_all_breaches_are_told_at_once_in_the_order_of_their_places() -> None:
    message = {**native(n=9, top_p=3), "model": None}
    message["input"] = {"messages": [USER, USER, {"role": "user"}, *[USER] * 8, {"role": "x", "content": ""}]}
    assert [breach.path for breach in schemas.explain(NATIVE, message)] == [
        "/input/messages/2", "/input/messages/11/role", "/model", "/parameters/n", "/parameters/top_p",
    ]  # fmt: skip


# --- answers as recorded

TAIL = '"created":1770764906,"system_fingerprint":null,"model":"qwen3-max","id":"chatcmpl-d2d6aab7-cbca-970f-8aa6-7d58c9724733"}'
CHUNK = '{"choices":[%s],"object":"chat.completion.chunk","usage":null,' + TAIL
EVENT = (
    '{"output":{"choices":[{"message":%s,"finish_reason":"null"}]},"usage":{"total_tokens":25,"input_tokens":24,"output_tokens":1},"request_id":"'
    + UUID
    + '"}'
)
TOOL_EVENT = (
    '{"output":{"choices":[{"message":{"content":"","tool_calls":[%s],"role":"assistant"},"index":0,"finish_reason":"null"}]},"usage":{"total_tokens":25,"input_tokens":24,"output_tokens":1},"request_id":"'
    + UUID
    + '"}'
)
ERROR_IDS = ',"id":"chatcmpl-54036480-037a-9e3e-b1fe-50453ba831a1"'
RECORDED = {
    "native/generation-response": [
        '{"output":{"finish_reason":"stop","text":"1+1等于2。这是最基本的数学加法运算之一。"},"usage":{"prompt_tokens_details":{"cached_tokens":0},"total_tokens":30,"output_tokens":14,"input_tokens":16},"request_id":"7e3d5586-cb70-98ce-97bf-8a2ac0091c3f"}',
        '{"output":{"choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"2"}}]},"usage":{"total_tokens":21,"output_tokens":1,"input_tokens":20,"prompt_tokens_details":{"cached_tokens":0}},"request_id":"1d881da5-0028-9f20-8e7f-6bc7ae891c54"}',
        '{"output":{"choices":[{"finish_reason":"stop","message":{"role":"assistant","tool_calls":[{"function":{"name":"get_current_weather","arguments":"{\\"location\\": \\"浙江省杭州市\\"}"},"index":0,"id":"call_cec4c19d27624537b583af","type":"function"}],"content":""}}]},"usage":{"output_tokens":22,"input_tokens":283},"request_id":"7e3d5586-cb70-98ce-97bf-8a2ac0091c3f"}',
        '{"output":{"choices":[{"finish_reason":"length","message":{"role":"assistant","content":"2","reasoning_content":"嗯"}}]},"usage":{"total_tokens":33,"output_tokens":21,"input_tokens":12,"output_tokens_details":{"reasoning_tokens":16},"plugins":{"search":{"count":1,"strategy":"turbo"}},"prompt_tokens_details":{"cached_tokens":0}},"request_id":"7e3d5586-cb70-98ce-97bf-8a2ac0091c3f"}',
        '{"output":{"choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"2"},"logprobs":{"content":[{"top_logprobs":[{"logprob":0.0,"bytes":[50],"token":"2"}],"logprob":0.0,"bytes":[50],"token":"2"}]}}]},"usage":{"total_tokens":21,"output_tokens":1,"input_tokens":20,"prompt_tokens_details":{"cached_tokens":0}},"request_id":"1d881da5-0028-9f20-8e7f-6bc7ae891c54"}',
        '{"output":{"choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant","content":"a"}},{"finish_reason":"stop","index":1,"message":{"role":"assistant","content":"b"}}]},"usage":{"total_tokens":269,"output_tokens":83,"input_tokens":186},"request_id":"1d881da5-0028-9f20-8e7f-6bc7ae891c54"}',
    ],
    "native/stream-event": [
        '{"output":{"finish_reason":"null","text":"1+"},"usage":{"total_tokens":18,"input_tokens":16,"output_tokens":2},"request_id":"5b441aa7-0b9c-9fbc-ae0a-e2b212b71eac"}',
        '{"output":{"choices":[{"message":{"content":"您","role":"assistant"},"finish_reason":"null"}]},"usage":{"total_tokens":25,"input_tokens":24,"output_tokens":1},"request_id":"7e3d5586-cb70-98ce-97bf-8a2ac0091c3f"}',
        '{"output":{"choices":[{"message":{"content":"","role":"assistant"},"finish_reason":"stop"}]},"usage":{"total_tokens":33,"input_tokens":24,"output_tokens":9},"request_id":"7e3d5586-cb70-98ce-97bf-8a2ac0091c3f"}',
        EVENT % '{"content":"","reasoning_content":"嗯","role":"assistant"}',
        TOOL_EVENT % '{"index":0,"id":"call_29a870e7106f45deb8add3","type":"function","function":{"name":"get_current_weather","arguments":"{\\"location\\": \\""}}',
        TOOL_EVENT % '{"index":0,"id":"","type":"function","function":{"arguments":"浙江省杭州市\\"}"}}',
        '{"output":{"choices":[{"message":{"content":"","role":"assistant"},"finish_reason":"null"}],"search_info":{"extra_tool_info":[],"search_results":[]}},"usage":{},"request_id":"7e3d5586-cb70-98ce-97bf-8a2ac0091c3f"}',
    ],
    "native/error": [
        '{"code":"InvalidParameter","message":"Role must be user or assistant and Content length must be greater than 0","request_id":"7671ecd8-93cc-9ee9-bc89-739f0fd8b809"}',
        '{"request_id":"7671ecd8-93cc-9ee9-bc89-739f0fd8b809","code":"Arrearage","type":"Arrearage","message":"Access denied, please make sure your account is in good standing."}',
    ],
    "native/tokenizer-response": [
        '{"output":{"token_ids":[46100,101933,99489],"tokens":["代码","改变","世界"]},"usage":{"input_tokens":3},"request_id":"7671ecd8-93cc-9ee9-bc89-739f0fd8b809"}',
    ],
    "native/text-embedding-response": [
        '{"output":{"embeddings":[{"embedding":[0.1,-0.2],"text_index":0}]},"usage":{"total_tokens":3},"request_id":"7671ecd8-93cc-9ee9-bc89-739f0fd8b809"}',
    ],
    "native/file-upload-response": [
        '{"data":{"uploaded_files":[{"name":"test2.txt","file_id":"ed5a313b-1"}],"failed_uploads":[{"name":"test1.txt","code":"BadRequest.TooMany","message":"Out of number, <10> of <10> files has been uploaded."}]},"request_id":"7671ecd8-93cc-9ee9-bc89-739f0fd8b809"}',
    ],
    "native/file-deletion": ['{"request_id":"7671ecd8-93cc-9ee9-bc89-739f0fd8b809"}'],
    "compatible/chat-response": [
        '{"choices":[{"message":{"role":"assistant","content":"…"},"finish_reason":"stop","index":0,"logprobs":null}],"object":"chat.completion","usage":{"prompt_tokens":22,"completion_tokens":37,"total_tokens":59},"created":1722162849,"system_fingerprint":null,"model":"qwen-plus","id":"chatcmpl-6b7e166c-dbb6-92fc-91e5-003a5d6a3b77"}',
        '{"choices":[{"message":{"content":"…","reasoning_content":"…","role":"assistant"},"finish_reason":"stop","index":0,"logprobs":null}],"object":"chat.completion","usage":{"prompt_tokens":24,"completion_tokens":1668,"total_tokens":1692,"completion_tokens_details":{"reasoning_tokens":1353},"prompt_tokens_details":{"cached_tokens":0}},"created":1722162849,"system_fingerprint":null,"model":"qwen-plus","id":"chatcmpl-6b7e166c-dbb6-92fc-91e5-003a5d6a3b77"}',
        '{"choices":[{"message":{"content":"","role":"assistant","tool_calls":[{"function":{"arguments":"{\\"location\\": \\"San Francisco\\"}","name":"weather"},"id":"call_962bfd2ab8f54b89a1161356","index":0,"type":"function"}]},"finish_reason":"tool_calls","index":0,"logprobs":null}],"object":"chat.completion","usage":{"prompt_tokens":22,"completion_tokens":37,"total_tokens":59},"created":1722162849,"system_fingerprint":"","model":"qwen-plus","id":"chatcmpl-35e3c387759692f98041ed0a5dd9b72a"}',
        '{"choices":[{"finish_reason":"stop","index":0,"message":{"content":"…","role":"assistant"}}],"created":1783123456,"id":"chatcmpl-6b7e166c-dbb6-92fc-91e5-003a5d6a3b77","model":"qwen-flash","object":"chat.completion","usage":{"completion_tokens":1,"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":0},"total_tokens":2}}',
    ],
    "compatible/chat-chunk": [
        CHUNK % '{"delta":{"content":"","role":"assistant"},"index":0,"logprobs":null,"finish_reason":null}',
        CHUNK % '{"finish_reason":null,"logprobs":null,"delta":{"content":"##"},"index":0}',
        CHUNK % '{"delta":{"content":" The Festival"},"finish_reason":null,"index":0,"logprobs":null}',
        CHUNK % '{"finish_reason":"stop","delta":{"content":""},"index":0,"logprobs":null}',
        '{"choices":[],"object":"chat.completion.chunk","usage":{"prompt_tokens":18,"completion_tokens":779,"total_tokens":797,"prompt_tokens_details":{"cached_tokens":0}},' + TAIL,
        CHUNK % '{"delta":{"content":null,"role":"assistant","reasoning_content":""},"index":0,"logprobs":null,"finish_reason":null}',
        CHUNK % '{"delta":{"content":"","reasoning_content":null},"index":0,"logprobs":null,"finish_reason":"stop"}',
        CHUNK % '{"delta":{"content":null,"tool_calls":[{"index":0,"id":"call_eee11723464a4b9eb8cee71d","type":"function","function":{"name":"weather","arguments":""}}],"role":"assistant"},"finish_reason":null,"index":0,"logprobs":null}',
        CHUNK % '{"delta":{"content":null,"tool_calls":[{"index":0,"id":"","type":"function","function":{"arguments":"\\"}"}}]},"finish_reason":null,"index":0,"logprobs":null}',
        CHUNK % '{"delta":{"tool_calls":[{"function":{"arguments":""},"index":0,"id":"","type":"function"}]},"index":0}',
        CHUNK % '{"finish_reason":"tool_calls","delta":{},"index":0,"logprobs":null}',
        '{"choices":[],"object":"chat.completion.chunk","usage":{"prompt_tokens":1033,"completion_tokens":214,"total_tokens":1247,"completion_tokens_details":{"reasoning_tokens":160,"text_tokens":214},"prompt_tokens_details":{"text_tokens":1033}},' + TAIL,
        '{"choices":[{"delta":{"content":"文章","role":"assistant"},"finish_reason":"null","index":0,"logprobs":null}],"object":"chat.completion.chunk","usage":null,"created":1715334042,"system_fingerprint":"","model":"qwen-long","id":"chatcmpl-35e3c387759692f98041ed0a5dd9b72a"}',
    ],
    "compatible/error": [
        '{"error":{"message":"Incorrect API key provided. For details, see: https://help.aliyun.com/zh/model-studio/error-code#apikey-error","type":"invalid_request_error","param":null,"code":"invalid_api_key"},"request_id":"7671ecd8-93cc-9ee9-bc89-739f0fd8b809"}',
        '{"error":{"code":"insufficient_quota","message":"You exceeded your current quota, please check your plan and billing details. For details, see: https://help.aliyun.com/zh/model-studio/error-code#token-limit","param":null,"type":"insufficient_quota"},"request_id":"7671ecd8-93cc-9ee9-bc89-739f0fd8b809"}',
        '{"error":{"message":"Required body invalid, please check the request body format.","type":"invalid_request_error"}}',
        '{"error":{"message":"[] is too short - \'messages\'","type":"invalid_request_error","param":null,"code":null},"request_id":"chatcmpl-7671ecd8-93cc-9ee9-bc89-739f0fd8b809"}',
        '{"error":{"code":"invalid_parameter_error","param":null,"message":"<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]","type":"invalid_request_error"}' + ERROR_IDS + ',"request_id":"54036480-037a-9e3e-b1fe-50453ba831a1"}',
        '{"error":{"message":"\'purpose\' must be \'file-extract\'","type":"invalid_request_error","param":"purpose","code":null}}',
        '{"error":{"message":"Incorrect API key provided. ","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}',
    ],
    "compatible/stream-error": [
        '{"error":{"code":"invalid_parameter_error","param":null,"message":"Range of top_logprobs should be [0, 5]","type":"invalid_request_error"}' + ERROR_IDS + "}",
    ],
    "compatible/file-object": [
        '{"id":"file-fe-5d5eb068893f4b5e8551ada4","object":"file","bytes":7,"filename":"test2.txt","purpose":"file-extract","status":"processed","created_at":1764499365}',
        '{"id":"file-fe-qBKjZKfTx64R9oYmwyovNHBH","object":"file","bytes":7,"created_at":1720582024,"filename":"a.txt","purpose":"file-extract","status":"processed"}',
    ],
    "compatible/file-list": [
        '{"object":"list","data":[{"id":"file-fe-d5c0ea9110bd47afb0505f43","object":"file","bytes":1314,"filename":"file1.txt","purpose":"file-extract","status":"processed","created_at":1761480070}],"has_more":false}',
    ],
    "compatible/file-deletion": ['{"id":"file-fe-d5c0ea9110bd47afb0505f43","object":"file","deleted":true}'],
    "compatible/model-list": [
        '{"object":"list","data":[{"id":"qwen-plus","object":"model","created":1,"owned_by":"system"}]}',
    ],
    "compatible/embeddings-response": [
        '{"data":[{"embedding":[0.5],"index":0,"object":"embedding"}],"model":"text-embedding-v4","object":"list","usage":{"prompt_tokens":23,"total_tokens":23},"id":"f62c2ae7-0906-9758-ab34-47c5764f07e2"}',
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "sample"), [(name, each) for name, all_ in RECORDED.items() for each in all_])
def test_what_the_service_sent_is_accepted(name: str, sample: str) -> None:
    assert schemas.explain(name, json.loads(sample)) == []


@pytest.mark.parametrize("name", RECORDED)
def test_a_field_the_service_does_not_send_is_refused(name: str) -> None:
    breach = only_breach(name, {**json.loads(RECORDED[name][0]), "service_tier": None})
    assert breach.message == "The message has `service_tier`, which must not be there."


def test_a_running_answer_is_only_for_streams() -> None:
    running = json.loads(RECORDED["native/stream-event"][0])
    assert only_breach("native/generation-response", running).path == "/output/finish_reason"


def test_a_native_stream_never_says_json_null() -> None:
    event = json.loads(RECORDED["native/stream-event"][1])
    event["output"]["choices"][0]["finish_reason"] = None
    assert only_breach("native/stream-event", event).path == "/output/choices/0/finish_reason"


def test_text_and_choices_exclude_each_other() -> None:
    both = json.loads(RECORDED["native/generation-response"][1])
    both["output"]["text"] = "2"
    assert only_breach("native/generation-response", both).path == "/output"


def test_the_first_piece_of_a_tool_call_has_a_name() -> None:
    nameless = {"index": 0, "id": "call_1", "type": "function", "function": {"arguments": ""}}
    assert only_breach("native/answer-tool-call", nameless).message == "function lacks `name`."


def test_a_chunk_without_choices_carries_the_usage() -> None:
    chunk = json.loads(RECORDED["compatible/chat-chunk"][4])
    assert only_breach("compatible/chat-chunk", {**chunk, "usage": None}).path == "/usage"


def test_an_error_has_both_param_and_code_or_neither() -> None:
    error = {"error": {"message": "m", "type": "t", "param": None}}
    assert only_breach("compatible/error", error).message == "error lacks `code`."
