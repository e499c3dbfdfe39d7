"""Stubs in Python: what is said is what the book has."""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.stubs.book import StubBook
from mockserver.stubs.builder import On, on
from mockserver.stubs.stub import (
    Always,
    CallSpec,
    ErrorSpec,
    EveryNth,
    Exactly,
    Lasting,
    Matcher,
    Outcome,
    Probability,
    Ramp,
    ReplySpec,
    Scenario,
    Stub,
    StubError,
    TextMatch,
)
from mockserver.stubs.view import View
from mockserver.wire.fault import Fault
from mockserver.wire.pacing import Pacing, named


@pytest.fixture
def book() -> StubBook:
    return StubBook()


def only(book: StubBook) -> Stub:
    (stub,) = book
    return stub


def kinds(book: StubBook, requests: int) -> list[str]:
    """What happens to the next requests: a text, an error's name, or nothing."""
    found = []
    for _ in range(requests):
        plan = book.plan(View())
        error, reply = (plan.outcome.error, plan.outcome.reply) if plan else (None, None)
        found.append(error.name if error else (reply.text or "") if reply else "-")
    return found


def test_the_sentence_of_the_readme(book: StubBook) -> None:
    on(book, model="qwen-*", last_user="天气", stream=True).reply("晴").then.fail("Throttling.RateQuota").times(2)
    throttled = Outcome(error=ErrorSpec("Throttling.RateQuota"))
    assert only(book) == Stub(
        Matcher(model="qwen-*", last_user=TextMatch(contains="天气"), stream=True),
        (Outcome(reply=ReplySpec(text="晴")), throttled),
        Exactly(3),
        id="stub-1",
    )


def test_failures_first_then_what_always_holds(book: StubBook) -> None:
    on(book).fail("Throttling").times(2).then.reply("好")
    assert kinds(book, 4) == ["Throttling", "Throttling", "好", "好"]


def test_a_sequence_with_an_end(book: StubBook) -> None:
    on(book).reply("a").times(2).then.reply("b").then.reply("c").once()
    assert kinds(book, 5) == ["a", "a", "b", "c", "-"]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_each_outcome_happens_as_often_as_it_says(counts: list[int]) -> None:
    book = StubBook()
    said = on(book)
    for at, n in enumerate(counts):
        said = (said if at == 0 else said.then).reply(str(at)).times(n)
    expected = [str(at) for at, n in enumerate(counts) for _ in range(n)]
    assert kinds(book, sum(counts) + 1) == [*expected, "-"]
    assert book.unmet() == []


def test_it_is_active_at_the_first_outcome_and_adjusted_by_what_is_said_later(book: StubBook) -> None:
    said = on(book).priority(5)
    assert list(book) == []
    said.reply("a")
    assert kinds(book, 1) == ["a"]
    said.priority(7).then.reply("b")
    assert (only(book).priority, kinds(book, 1), book.used("stub-1")) == (7, ["b"], 2)
    assert said.stub == only(book)


def test_an_outcome_may_have_several_parts(book: StubBook) -> None:
    on(book).reply("今天晴").fail("DataInspectionFailed", after=2).fault("drip", size=1).fault("bom", pacing="slow")
    assert only(book).outcomes == (
        Outcome(
            ReplySpec(text="今天晴"),
            ErrorSpec("DataInspectionFailed", after=2),
            (Fault("drip", {"size": 1}), Fault("bom")),
            named("slow"),
        ),
    )


def test_the_default_writer_at_another_pace(book: StubBook) -> None:
    on(book).default(pacing=Pacing(ttft=1))
    assert only(book).outcomes == (Outcome(pacing=Pacing(ttft=1)),)


@pytest.mark.parametrize(
    ("say", "expected"),
    [
        (lambda said: said.every(3), {"times": EveryNth(3)}),
        (lambda said: said.with_probability(0.5), {"times": Probability(0.5)}),
        (lambda said: said.lasting(30), {"times": Lasting(30)}),
        (lambda said: said.ramp(0, 0.5, seconds=60), {"times": Ramp(0, 0.5, 60)}),
        (lambda said: said.once(), {"times": Exactly(1)}),
        (lambda said: said.priority(-2), {"priority": -2}),
        (lambda said: said.in_scenario("s", then="t"), {"scenario": Scenario("s", "start", "t")}),
        (lambda said: said.in_scenario("s", when=None), {"scenario": Scenario("s", None, None)}),
    ],
)  # fmt: skip
def test_how_often_and_when(book: StubBook, say: Callable[[On], On], expected: dict[str, Any]) -> None:
    say(on(book).reply("x"))
    assert {field: getattr(only(book), field) for field in expected} == expected


def test_a_sequence_keeps_its_chance(book: StubBook) -> None:
    on(book).every(2).reply("a").then.reply("b")
    assert kinds(book, 6) == ["-", "a", "-", "b", "-", "b"]


def test_texts_are_contained_patterns_found_and_matches_exact(book: StubBook) -> None:
    on(
        book,
        last_user=re.compile("^hi", re.IGNORECASE),
        any_message=TextMatch(equals="x"),
        headers={"X-A": "1"},
        tools="f",
        json_path={"$.a": 1},
        name="n",
    ).default()
    assert only(book).matcher == Matcher(
        last_user=TextMatch(regex="(?i)^hi"),
        any_message=TextMatch(equals="x"),
        headers={"X-A": TextMatch(contains="1")},
        tools=("f",),
        json_path={"$.a": 1},
    )
    assert (only(book).name, only(book).times) == ("n", Always())


def test_every_field_of_a_reply_can_be_said(book: StubBook) -> None:
    call = CallSpec("f", {"a": 1})
    on(book).reply(
        "t", reasoning=["r", "s"], tool_calls=[call], finish_reason="length", usage={"n": 1}, headers={"a": "b"}
    )
    assert only(book).outcomes[0].reply == ReplySpec(
        text="t", reasoning=("r", "s"), tool_calls=(call,), finish_reason="length", usage={"n": 1}, headers={"a": "b"}
    )


def test_a_function_replies(book: StubBook) -> None:
    on(book).reply(lambda view: view.last_user)
    reply = only(book).outcomes[0].reply
    assert reply
    assert reply.function
    assert reply.function(View(last_user="hi")) == "hi"


@pytest.mark.parametrize(
    ("say", "says"),
    [
        (lambda said: said.then, "before you say what happens then"),
        (lambda said: said.times(2), "before you say how often"),
        (lambda said: said.reply("a").then.times(2), "before you say how often"),
        (lambda said: said.reply("a").reply("b"), "write .then between two"),
        (lambda said: said.fail("Throttling").fail("InternalError"), "write .then between two"),
        (lambda said: said.reply("a").fail("Throttling"), "leaves no reply"),
        (lambda said: said.reply("a").times(0), "1 or more"),
        (lambda said: said.reply("a").every(2).times(2), "choose one"),
        (lambda said: said.fail("Throtling"), "Did you mean Throttling"),
        (lambda said: said.fail("Throttling", max=1), "no parameter 'max'"),
        (lambda said: said.fault("resett"), "Did you mean reset"),
        (lambda said: said.fault("reset", aftr=1), "no parameter 'aftr'"),
        (lambda said: said.default(pacing="sloww"), "did you mean slow"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_where_it_is_said(book: StubBook, say: Callable[[On], Any], says: str) -> None:
    with pytest.raises(StubError, match=says):
        say(on(book))


def test_what_only_some_stubs_need_is_not_imported_before() -> None:
    heavy = {"jinja2", "yaml", "regex", "jsonschema"}
    program = f"import sys, mockserver.stubs.builder, mockserver.stubs.loader; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "set()\n"
