"""How an answer is sliced for a stream."""

from collections.abc import Iterable
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine import tokenizer
from mockserver.engine.chunks import Chunking, Slicing, cuts, schedule, walk
from mockserver.engine.limits import complete
from mockserver.generation import Choice, GenerationRequest, Message, Reply, ToolCall
from mockserver.models import Model

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
FIRST = st.lists(st.integers(1, 10), unique=True, max_size=4).map(sorted)
STEPS = st.integers(1, 9)
CALLS = st.lists(st.builds(ToolCall, st.just("call_1"), st.just("weather"), TEXTS), max_size=2).map(tuple)
MODEL = Model("qwen-plus", "text-generation", None, 8_192, 8_192, "hybrid_off")


def alike(first: Iterable[int], step: int) -> Slicing:
    """Reasoning, text and calls sliced alike."""
    chunking = Chunking(tuple(first), step)
    return {"reasoning": chunking, "text": chunking, "call": chunking}


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    reply = Reply(draw(TEXTS), draw(st.just("") | TEXTS), draw(CALLS))
    request = GenerationRequest("native", MODEL, (Message("user", "?"),), thinking=True)
    limit = draw(st.integers(1, 100))
    return complete(request, [reply], tokenizer.load(), limit=limit, input_tokens=0).choices[0]


@pytest.mark.parametrize(
    ("total", "first", "step", "expected"),
    [
        (26, (1, 2, 3, 8), 8, [1, 2, 3, 8, 16, 24, 26]),
        (24, (1, 2, 3, 8), 8, [1, 2, 3, 8, 16, 24]),
        (2, (1, 2, 3, 8), 8, [1, 2]),
        (5, (), 2, [2, 4, 5]),
        (0, (1, 2), 2, []),
    ],
)
def test_the_schedule_ends_with_the_total(total: int, first: tuple[int, ...], step: int, expected: list[int]) -> None:
    assert list(schedule(total, first, step)) == expected


@given(TEXTS, FIRST, STEPS)
def test_every_cut_shows_something_and_the_last_shows_all(text: str, first: list[int], step: int) -> None:
    segment = tokenizer.load().pieces(text)
    positions = cuts(segment, first, step)
    shown = [0, *(segment.ends[position - 1] for position in positions)]
    assert all(before < after for before, after in pairwise(shown))
    assert (positions[-1:], shown[-1]) == ([len(segment.ends)] if text else [], len(text))


def test_a_chunk_waits_for_its_character() -> None:
    segment = tokenizer.load().pieces("🜚a🜚")
    tokens = len(tokenizer.load().encode("🜚"))
    assert cuts(segment, (), 1) == [tokens, tokens + 1, 2 * tokens + 1]


@given(choices(), FIRST, STEPS)
def test_deltas_put_together_are_the_choice(choice: Choice, first: list[int], step: int) -> None:
    parts: dict[tuple[str, int], str] = {}
    whole = {("reasoning", 0): choice.reasoning.text, ("text", 0): choice.text.text}
    whole |= {("call", place): call.arguments.text for place, call in enumerate(choice.calls)}
    for delta in walk(choice, alike(first, step)):
        key = (delta.kind, delta.call)
        assert delta.start == len(parts.get(key, ""))
        parts[key] = parts.get(key, "") + whole[key][delta.start : delta.end]
    assert {key: part for key, part in whole.items() if part} == {key: part for key, part in parts.items() if part}
    assert [key for key in parts if key[0] == "call"] == [("call", place) for place in range(len(choice.calls))]


@given(choices(), FIRST, STEPS)
def test_the_bill_of_the_deltas_never_falls_and_ends_with_the_choice_s(
    choice: Choice, first: list[int], step: int
) -> None:
    deltas = list(walk(choice, alike(first, step)))
    bill = [0, *(delta.tokens for delta in deltas)]
    assert bill == sorted(bill)
    assert bill[-1] == choice.output_tokens
    assert [0, *(delta.reasoning_tokens for delta in deltas)][-1] == len(choice.reasoning.ends)
    kinds = [delta.kind for delta in deltas]
    assert kinds == sorted(kinds, key=["reasoning", "text", "call"].index)


def test_recorded_thinking_starts_at_three_tokens() -> None:
    request = GenerationRequest("native", MODEL, (Message("user", "?"),), thinking=True)
    reply = Reply("代码改变世界", "代码改变世界")
    choice = complete(request, [reply], tokenizer.load(), limit=9, input_tokens=0).choices[0]
    billed = [(delta.kind, delta.tokens, delta.reasoning_tokens) for delta in walk(choice, alike((1,), 8))]
    assert billed == [("reasoning", 3, 1), ("reasoning", 5, 3), ("text", 9, 3), ("text", 11, 3)]


def test_recorded_parallel_calls_are_billed_as_they_go() -> None:
    arguments = ('{"location": "浙江省杭州市"}', '{"location": "上海市"}')
    calls = tuple(ToolCall("call_1", "get_current_weather", text) for text in arguments)
    request = GenerationRequest("native", MODEL, (Message("user", "?"),))
    choice = complete(request, [Reply(tool_calls=calls)], tokenizer.load(), limit=99, input_tokens=0).choices[0]
    first = next(islice(walk(choice, alike((4,), 8)), 1))
    assert (arguments[0][: first.end], first.tokens) == ('{"location": "', 16)
    assert [delta.tokens for delta in walk(choice, alike((3,), 8)) if delta.call == 1] == [34, 37]
