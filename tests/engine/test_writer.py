import json
from dataclasses import replace
from statistics import median
from time import process_time
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine import phrases, writer
from mockserver.generation import GenerationRequest, Message, Reply, ResponseFormat, Tool
from mockserver.models import Model

MODEL = Model("qwen-plus", "text-generation", 30_720, 8192, 2000, "hybrid_off")
WEATHER = Tool(
    "get_current_weather",
    "Get the weather of a place",
    {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
)
ANY_TEXT = st.text(max_size=80) | st.just('weather in "\ud800\udfff" \ud800')  # lone surrogates break encoders


def ask(*contents: str, **options: Any) -> GenerationRequest:
    messages = tuple(Message("user" if index % 2 == 0 else "assistant", text) for index, text in enumerate(contents))
    return GenerationRequest("native", MODEL, messages, **options)


def reply(request: GenerationRequest) -> Reply:
    (only,) = writer.replies(request)
    return only


def is_chinese(text: str) -> bool:
    return phrases.language_of(text) == "zh"


REQUESTS = st.builds(
    ask,
    ANY_TEXT,
    seed=st.none() | st.integers(0, 2**64 - 1),
    n=st.integers(1, 4),
    thinking=st.booleans(),
    tools=st.sampled_from([(), (WEATHER,)]),
    documents=st.sampled_from([(), ("保修期为两年。The end.",)]),
    response_format=st.sampled_from([ResponseFormat(), ResponseFormat("json_object")]),
)
WAYS = st.fixed_dictionaries(
    {
        "dialect": st.sampled_from(["native", "compatible"]),
        "stream": st.booleans(),
        "incremental": st.booleans(),
        "result_format": st.sampled_from(["text", "message"]),
        "include_usage": st.booleans(),
        "max_tokens": st.none() | st.integers(1, 99),
        "stop": st.sampled_from([(), ("。",)]),
        "top_logprobs": st.none() | st.integers(0, 5),
    }
)


@given(REQUESTS, WAYS)
def test_the_way_of_the_answer_has_no_part_in_what_it_says(request: GenerationRequest, way: dict[str, Any]) -> None:
    said = writer.replies(request)
    assert said == writer.replies(replace(request, **way))
    assert len(said) == request.n


@given(REQUESTS)
def test_a_reply_can_be_encoded_and_says_something(request: GenerationRequest) -> None:
    for said in writer.replies(request):
        assert said.text or said.tool_calls
        assert bool(said.reasoning) == request.thinking
        (said.text + said.reasoning + "".join(call.arguments for call in said.tool_calls)).encode()


def test_a_missing_seed_is_the_default_of_the_model() -> None:
    assert reply(ask("hi")) == reply(ask("hi", seed=1234))
    other = replace(ask("hi"), model=replace(MODEL, seed=7))
    assert reply(other) == reply(ask("hi", seed=7))


def test_the_seed_changes_text_and_length() -> None:
    texts = {reply(ask("如何学习一门外语？", seed=seed)).text for seed in range(60)}
    assert len(texts) > 50
    assert len({len(text) for text in texts}) > 25
    assert 30 <= median(map(len, texts)) <= 150
    assert max(map(len, texts)) < 400


@pytest.mark.parametrize("change", ["model", "system", "history"])
def test_model_and_conversation_change_the_text(change: str) -> None:
    plain = ask("hi")
    changed = {
        "model": replace(plain, model=replace(MODEL, name="qwen-max")),
        "system": replace(plain, messages=(Message("system", "Be kind."), *plain.messages)),
        "history": ask("one", "two", "hi"),
    }[change]
    assert reply(plain) != reply(changed)


def test_choices_differ() -> None:
    assert len({said.text for said in writer.replies(ask("Tell me about tea", n=4))}) == 4


@pytest.mark.parametrize(
    ("question", "chinese"),
    [
        ("你好", True),
        ("Explain 量子 please", True),
        ("hello", False),
        ("", False),
        ("こんにちは", False),
        ("안녕", False),
    ],
)
def test_the_language_follows_the_last_question(question: str, chinese: bool) -> None:
    for seed in range(8):
        said = reply(ask("你好" if not chinese else "hello", "ok", question, seed=seed, thinking=True))
        words = (said.text + said.reasoning).replace(question, "")
        assert is_chinese(words) == chinese


@pytest.mark.parametrize(
    "question",
    ["写一篇关于春天的文章", "请详细介绍一下杭州", "Write an essay about trees", "Explain tea in detail"],
)
def test_a_long_text_is_long_when_asked_for(question: str) -> None:
    for seed in range(8):
        text = reply(ask(question, seed=seed)).text
        assert len(text if is_chinese(text) else text.split()) > 200


def test_the_asked_length_is_roughly_met() -> None:
    assert 600 < len(reply(ask("写一篇800字的作文")).text) < 950
    assert 150 < len(reply(ask("A story of 200 words")).text.split()) < 260


@given(ANY_TEXT)
def test_slots_of_the_question_are_not_filled(question: str) -> None:
    text = reply(ask("{model} {topic} %s {0} " + question)).text
    assert "{topic}" not in text
    assert MODEL.name not in text


def test_slots_of_a_tool_result_are_not_filled() -> None:
    messages = (Message("user", "hi"), Message("tool", "{model} {topic} {result}", tool_call_id="c"))
    assert "{model} {topic} {result}" in reply(replace(ask(""), messages=messages)).text


def test_a_sum_is_solved() -> None:
    assert "2" in reply(ask("请问 1+1 是多少？")).text
    assert "42" in reply(ask("What is 6 * 7?")).text


def test_reasoning_does_not_change_the_answer() -> None:
    thinking = reply(ask("Why is the sky blue?", thinking=True))
    assert thinking.reasoning
    assert thinking.text == reply(ask("Why is the sky blue?")).text


def test_a_beginning_is_continued_and_not_repeated() -> None:
    for seed in range(10):
        for prefix in ("春天来了，大地", "Spring has come and", "春天来了。", "", "Here it is: "):
            messages = (Message("user", "春天"), Message("assistant", prefix, partial=True))
            text = reply(replace(ask("", seed=seed), messages=messages)).text
            assert text
            assert not prefix or prefix not in text


def test_no_sentence_of_the_beginning_comes_again() -> None:
    prefix = " ".join(body for body in phrases.book("en")["bodies"][2:] if "{" not in body)
    messages = (Message("user", "tea"), Message("assistant", prefix, partial=True))
    for seed in range(10):
        text = reply(replace(ask("", seed=seed), messages=messages)).text
        assert not any(sentence in prefix for sentence in text.strip().split(". "))


def test_an_agent_loop_ends_with_the_result_in_the_answer() -> None:
    request = ask("weather in Paris?", tools=(WEATHER,), tool_choice="get_current_weather")
    calls = reply(request).tool_calls
    assert [json.loads(call.arguments) for call in calls] == [{"location": "Paris"}]
    result = Message("tool", '{"sky": "clear", "degrees": 21}', tool_call_id=calls[0].id)
    done = replace(request, messages=(*request.messages, Message("assistant", "", tool_calls=calls), result))
    said = reply(done)
    assert not said.tool_calls
    assert "sky: clear, degrees: 21" in said.text


@pytest.mark.parametrize("result", ["", "[1, 2]", "null", '"x"', "[" * 5000, "a" * 100_000, "{'not': json}"])
def test_any_tool_result_is_answered_at_bounded_length(result: str) -> None:
    messages = (Message("user", "hi"), Message("tool", result, tool_call_id="c"))
    assert 0 < len(reply(replace(ask(""), messages=messages)).text) < 1000


def test_a_call_id_is_its_own_in_every_choice() -> None:
    request = ask("weather in Paris and Rome", tools=(WEATHER,), parallel_tool_calls=True, n=3)
    ids = [call.id for said in writer.replies(request) for call in said.tool_calls]
    assert len(set(ids)) == 6


@pytest.mark.parametrize(
    "question",
    [
        "Extract JSON with keys name and age: I am Alice, 30 years old",
        'Reply as JSON like {"name": "Bob", "age": 1}. I am Alice and I am 30.',
        "My name is Alice, aged 30. 请以 JSON 返回 name 和 age 字段",
    ],
)
def test_a_json_object_has_the_keys_that_are_described(question: str) -> None:
    text = reply(ask(question, response_format=ResponseFormat("json_object"))).text
    assert set(json.loads(text)) == {"name", "age"}
    assert text.startswith('{\n  "name": ')


def test_a_json_object_takes_its_values_from_the_question() -> None:
    question = "我叫刘五，今年34岁。请以JSON输出，字段为 name、age"
    text = reply(ask(question, response_format=ResponseFormat("json_object"))).text
    assert text == '{\n  "name": "刘五",\n  "age": 34\n}'


@given(ANY_TEXT)
def test_a_json_object_is_one_for_any_question(question: str) -> None:
    text = reply(ask(question + " json", response_format=ResponseFormat("json_object"))).text
    assert isinstance(json.loads(text), dict)


SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0},
        "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}, "minItems": 1},
        "mood": {"enum": ["happy", "sad"]},
    },
    "required": ["name", "age", "steps", "mood"],
    "additionalProperties": False,
    "$defs": {"step": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}},
}


@given(ANY_TEXT, st.integers(0, 2**64 - 1))
def test_a_json_schema_reply_parses_and_satisfies_the_schema(question: str, seed: int) -> None:
    request = ask(question, seed=seed, response_format=ResponseFormat("json_schema", SCHEMA))
    jsonschema.validate(json.loads(reply(request).text), SCHEMA)


def test_a_json_schema_reply_uses_the_words_of_the_question() -> None:
    request = ask("I am Alice, 30, and sad", response_format=ResponseFormat("json_schema", SCHEMA))
    value = json.loads(reply(request).text)
    assert (value["name"], value["age"], value["mood"]) == ("Alice", 30, "sad")


DOCUMENTS = (
    "第一章 安全。请勿放入水中。\n本产品的保修期为两年。充电需要三小时。",
    "Delivery is free. Returns take ten days.",
)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("保修期是多久？", "本产品的保修期为两年。"),
        ("How many days do returns take?", "Returns take ten days."),
        ("", "第一章 安全。"),
    ],
)
def test_the_sentence_a_question_is_about_is_quoted(question: str, sentence: str) -> None:
    assert sentence in reply(ask(question, documents=DOCUMENTS)).text


@pytest.mark.parametrize(
    "filler",
    [
        "的一是在不了有和人这中大为上个国我以要他。",
        "the quick brown fox jumps over the warranty dog ",
        "warranty.\n",
        "x",
    ],
)
def test_a_document_of_ten_million_characters_takes_bounded_work(filler: str) -> None:
    document = filler * (10_000_000 // len(filler)) + "\nThe warranty 保修期 is two years.\n"
    start = process_time()
    text = reply(ask("How long is the warranty (保修期) of this product in years?", documents=(document,))).text
    assert process_time() - start < 4
    assert "The warranty 保修期 is two years." in text
    assert len(text) < 800


def test_a_blank_document_is_answered_in_free_text() -> None:
    assert reply(ask("hi", documents=(" \n ", ""))).text


def test_no_messages_and_no_user_are_answered() -> None:
    assert reply(replace(ask(""), messages=())).text
    assert reply(replace(ask(""), messages=(Message("system", "x"),))).text


def test_both_languages_have_the_same_purposes_and_only_known_slots() -> None:
    chinese, english = phrases.book("zh"), phrases.book("en")
    assert set(english) - set(chinese) == {"operators"}
    assert set(chinese) <= set(english)
    voice = {"topic", "model", "quote", "tool", "result", "expression", "key", "value"}
    for book in (chinese, english):
        sentences = [line for lines in book.values() if isinstance(lines, list) for line in lines]
        assert {slot for line in sentences for slot in phrases._SLOT.findall(line)} <= voice
