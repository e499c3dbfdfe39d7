"""Which stub answers, how often, and what was left over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.stubs.book import MOST_SPOKEN, MOST_STUBS, StubBook
from mockserver.stubs.stub import (
    Always,
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
    Times,
)
from mockserver.stubs.view import View

VIEW = View(path="/chat/completions", model="qwen-plus", last_user="你好")
times = st.just(Always()) | st.builds(Exactly, st.integers(3, 6)) | st.builds(EveryNth, st.integers(1, 4))


def says(*texts: str, **fields: object) -> Stub:
    outcomes = tuple(Outcome(reply=ReplySpec(text=text)) for text in texts)
    return Stub(outcomes=outcomes, **fields)  # type: ignore[arg-type]


def told(book: StubBook, view: View = VIEW, spoken: Stub | None = None) -> str | None:
    plan = book.plan(view, spoken)
    reply = plan and plan.outcome.reply
    return reply.text if reply else None


def said_at(book: StubBook, now: float) -> str | None:
    plan = book.plan(VIEW, now=now)
    reply = plan and plan.outcome.reply
    return reply.text if reply else None


def book_of(*stubs: Stub, seed: int = 0) -> StubBook:
    book = StubBook(seed)
    for stub in stubs:
        book.add(stub)
    return book


# --- how often


def test_a_sequence_is_consumed_in_order_and_its_last_outcome_repeats() -> None:
    book = book_of(says("a", "b", "c"))
    assert [told(book) for _ in range(5)] == ["a", "b", "c", "c", "c"]


def test_times_are_used_up_and_then_the_older_stub_answers() -> None:
    book = book_of(says("old"), says("a", "b", times=Exactly(3)))
    assert [told(book) for _ in range(5)] == ["a", "b", "b", "old", "old"]


@given(st.integers(1, 7), st.integers(1, 40))
def test_every_nth_fires_at_the_multiples_and_lets_the_others_pass(n: int, requests: int) -> None:
    book = book_of(says("old"), says("nth", times=EveryNth(n)))
    found = [told(book) for _ in range(requests)]
    assert [at for at, text in enumerate(found, 1) if text == "nth"] == list(range(n, requests + 1, n))
    assert set(found) <= {"old", "nth"}


@given(st.floats(1, 100), st.lists(st.floats(0, 200), min_size=1, max_size=20).map(sorted), st.floats(0, 1e9))
def test_an_outage_lasts_from_its_first_request_on_and_is_then_over(
    seconds: float, after: list[float], start: float
) -> None:
    book = book_of(says("old"), says("down", times=Lasting(seconds)))
    texts = [said_at(book, start), *(said_at(book, start + each) for each in after)]
    assert texts == ["down", *("down" if (start + each) - start < seconds else "old" for each in after)]
    assert not book.unmet()


def test_a_ramp_goes_from_one_probability_to_the_other_and_stays_there() -> None:
    rising = book_of(says("old"), says("down", times=Ramp(0, 1, 10)))
    assert said_at(rising, 5) == "old"
    assert {said_at(rising, 15 + later) for later in range(20)} == {"down"}
    falling = book_of(says("old"), says("down", times=Ramp(1, 0, 10)))
    assert said_at(falling, 0) == "down"
    assert {said_at(falling, 10 + later) for later in range(20)} == {"old"}
    half = book_of(says("old"), says("down", times=Ramp(0, 1, 1000)), seed=3)
    said_at(half, 0)
    share = sum(said_at(half, 500) == "down" for _ in range(400)) / 400
    assert 0.4 < share < 0.6


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
def test_an_outage_or_ramp_without_a_time_is_refused(seconds: float) -> None:
    with pytest.raises(StubError):
        Lasting(seconds)
    with pytest.raises(StubError):
        Ramp(0, 1, seconds)
    with pytest.raises(StubError):
        Ramp(0, 1.5, 1)


@given(st.integers(1, 6), st.integers(0, 10))
def test_a_stub_of_n_times_answers_n_times(n: int, requests: int) -> None:
    book = book_of(says("x", times=Exactly(n)))
    found = [told(book) for _ in range(requests)]
    assert found.count("x") == min(n, requests)
    assert [stub.id for stub in book.unmet()] == ([] if requests >= n else ["stub-1"])
    assert book.left("stub-1") == max(0, n - requests)
    assert (book.used("stub-1"), book.seen("stub-1")) == (min(n, requests), min(n, requests))


def test_probability_is_about_what_it_says() -> None:
    book = book_of(says("x", times=Probability(0.3)), seed=1)
    assert 240 < sum(told(book) == "x" for _ in range(1000)) < 360


@pytest.mark.parametrize(("p", "expected"), [(0.0, None), (1.0, "x")])
def test_a_probability_of_zero_or_one_is_no_chance(p: float, expected: str | None) -> None:
    book = book_of(says("x", times=Probability(p)))
    assert {told(book) for _ in range(50)} == {expected}


@given(st.integers(), st.lists(times | st.builds(Probability, st.floats(0, 1)), max_size=5), st.integers(1, 30))
def test_the_same_seed_gives_the_same_plans(seed: int, often: list[Times], requests: int) -> None:
    def run() -> list[str | None]:
        book = book_of(*(says(f"a{n}", f"b{n}", times=each) for n, each in enumerate(often)), seed=seed)
        return [told(book) for _ in range(requests)]

    assert run() == run()


def test_a_seed_can_be_set_anew() -> None:
    book = book_of(says("x", times=Probability(0.5)), seed=5)
    first = [told(book) for _ in range(30)]
    book.seed(5)
    assert [told(book) for _ in range(30)] == first


# --- which one


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=8))
def test_the_highest_priority_answers_and_among_equals_the_newest(priorities: list[int]) -> None:
    book = book_of(*(says(str(at), priority=priority) for at, priority in enumerate(priorities)))
    best = max(range(len(priorities)), key=lambda at: (priorities[at], at))
    assert told(book) == str(best)
    order = [(stub.priority, int(stub.outcomes[0].reply.text or "")) for stub in book if stub.outcomes[0].reply]
    assert order == sorted(order, reverse=True)


@given(st.lists(st.tuples(times, st.integers(0, 2)), max_size=6), st.integers(1, 20))
def test_a_request_is_answered_once_or_not_at_all(often: list[tuple[Times, int]], requests: int) -> None:
    book = book_of(*(says(str(at), times=each, priority=priority) for at, (each, priority) in enumerate(often)))
    ids = [stub.id for stub in book]
    for _ in range(requests):
        before = {each: book.used(each) for each in ids}
        plan = book.plan(VIEW)
        changed = [each for each in ids if book.used(each) != before[each]]
        assert changed == ([plan.stub.id] if plan and plan.stub else [])


def test_a_stub_that_does_not_match_is_not_consumed() -> None:
    book = book_of(says("x", matcher=Matcher(model="qwen-max"), times=Exactly(1)))
    assert told(book) is None
    assert told(book, View(model="qwen-max")) == "x"


# --- keeping them


def test_ids_are_made_up_in_order_and_never_twice() -> None:
    book = StubBook()
    assert book.add(says("a")) == "stub-1"
    assert book.add(says("b", id="stub-2")) == "stub-2"
    book.remove("stub-1")
    assert book.add(says("c")) == "stub-3"
    assert [stub.id for stub in book] == ["stub-3", "stub-2"]
    assert "stub-1" not in book


def test_adding_under_an_id_replaces_as_new_and_updating_keeps_place_and_counts() -> None:
    book = book_of(says("a", id="a"), says("b", id="b"))
    told(book)
    book.update(says("b2", "b3", id="b"))
    assert (told(book), book.used("b")) == ("b3", 2)
    book.add(says("a2", id="a"))
    assert (told(book), book.used("a"), len(book)) == ("a2", 1, 2)


def test_an_unknown_id_is_a_key_error() -> None:
    book = StubBook()
    for use in (book.remove, book.left, book.used, book.seen, lambda each: book.update(says("x", id=each))):
        with pytest.raises(KeyError, match="nope"):
            use("nope")


def test_replacing_a_source_keeps_the_counts_of_what_is_as_before() -> None:
    book = book_of(says("mine", id="mine", priority=-1))
    files = (says("a", "b", "c", id="f#1", source="file"), says("x", id="f#2", source="file", priority=-2))
    book.replace("file", files)
    assert [told(book), told(book)] == ["a", "b"]
    book.replace("file", files[:1])
    assert told(book) == "c"
    book.replace("file", (says("new", id="f#1", source="file"),))
    assert told(book) == "new"
    book.replace("file", ())
    assert told(book) == "mine"


def test_a_book_is_bounded_and_a_refused_replacement_changes_nothing() -> None:
    book = StubBook()
    book.replace("file", (says(str(n), source="file") for n in range(MOST_STUBS)))
    with pytest.raises(StubError, match=f"at most {MOST_STUBS}"):
        book.add(says("one more"))
    with pytest.raises(StubError, match=f"at most {MOST_STUBS}"):
        book.replace("control", [says("one more")])
    assert len(book) == MOST_STUBS


def test_clearing_forgets_stubs_states_and_words() -> None:
    book = book_of(says("x", times=Exactly(2), scenario=Scenario("s", then="over")))
    told(book)
    book.clear()
    assert (list(book), book.states, book.unmet()) == ([], {}, [])


# --- scenarios


def test_a_scenario_moves_from_state_to_state() -> None:
    book = book_of(
        says("down", scenario=Scenario("outage", when="start", then="down")),
        says("up", scenario=Scenario("outage", when="down", then="up")),
        says("any", scenario=Scenario("outage", when=None), priority=-1),
    )
    assert [(told(book), book.state("outage")) for _ in range(3)] == [("down", "down"), ("up", "up"), ("any", "up")]
    book.set_state("outage", "down")
    assert told(book) == "up"
    assert book.states == {"outage": "up"}


def test_scenarios_of_other_names_do_not_meet() -> None:
    book = book_of(says("x", scenario=Scenario("a", then="over")))
    told(book)
    assert (book.state("a"), book.state("b")) == ("over", "start")


# --- what is left over


@pytest.mark.parametrize(
    ("stub", "requests", "left"),
    [
        (says("x"), 0, 0), (says("a", "b", "c"), 0, 2), (says("a", "b", "c"), 1, 1), (says("a", "b", "c"), 2, 0),
        (says("x", times=Exactly(2)), 1, 1), (says("x", times=EveryNth(3)), 2, 1), (says("x", times=EveryNth(3)), 3, 0),
        (says("x", times=Probability(0)), 5, 0), (says("x", times=Exactly(2), source="file"), 0, 2),
    ],
)  # fmt: skip
def test_what_a_test_still_waits_for(stub: Stub, requests: int, left: int) -> None:
    book = book_of(stub)
    for _ in range(requests):
        told(book)
    assert book.left("stub-1") == left
    assert bool(book.unmet()) == (left > 0 and stub.source != "file")


# --- near misses


@given(st.lists(st.sampled_from(["qwen-max", "qwen-long", "x*"]), min_size=1, max_size=10))
def test_the_near_miss_report_names_each_stub_and_each_reason(models: list[str]) -> None:
    wanted = TextMatch(contains="天气")
    stubs = [says("x", matcher=Matcher(model=each, last_user=wanted), name=f"n{at}") for at, each in enumerate(models)]
    reason = 'last_user contains "天气": it is "你好"'
    report = book_of(*stubs).near_misses(VIEW)
    assert "No stub matches POST /chat/completions" in report
    for at, model in enumerate(models):
        assert f'stub-{at + 1} "n{at}": model is like "{model}": it is "qwen-plus"; {reason}' in report


def test_the_report_shows_the_closest_first_and_says_what_else_kept_a_stub_back() -> None:
    book = book_of(
        says("far", matcher=Matcher(model="a", stream=True), id="far"),
        says("spent", times=Exactly(1), id="spent"),
        says("elsewhere", scenario=Scenario("outage", when="down"), id="elsewhere"),
        says("passing", times=EveryNth(9), id="passing"),
    )
    told(book)
    lines = book.near_misses(VIEW).splitlines()[1:]
    assert lines[:-1] == [
        "  passing: it matches, but lets some requests pass",
        "  elsewhere: outage is in state 'start', not 'down'",
        "  spent: all its 1 times are used up",
    ]
    assert lines[-1].startswith("  far: ")


def test_the_report_is_bounded_and_says_what_it_leaves_out() -> None:
    book = book_of(*(says("x", matcher=Matcher(model="a")) for _ in range(30)))
    assert book.near_misses(VIEW).splitlines()[-1] == "  and 10 more"
    assert StubBook().near_misses(VIEW).endswith("the session has no stubs.")


def test_a_report_consumes_nothing() -> None:
    book = book_of(says("x", times=Exactly(1)), says("y", times=EveryNth(2)))
    book.near_misses(VIEW)
    assert [told(book), told(book)] == ["x", "y"]


# --- words of the request itself


def test_spoken_words_come_first_and_count_over_the_session() -> None:
    book = book_of(says("book", priority=9))
    spoken = says("word", id="header:x", source="header", times=Exactly(2))
    assert [told(book, spoken=spoken) for _ in range(3)] == ["word", "word", "book"]
    assert told(book, spoken=says("always", id="header:y", source="header")) == "always"
    assert [stub.source for stub in book] == ["python"]


def test_only_so_many_spoken_words_are_remembered() -> None:
    book = StubBook()
    first = says("first", id="header:first", times=Exactly(1))
    assert [told(book, spoken=first), told(book, spoken=first)] == ["first", None]
    for n in range(MOST_SPOKEN):
        told(book, spoken=says("x", id=f"header:{n}", times=Exactly(1)))
    assert told(book, spoken=first) == "first"
