"""The words of the header and the directive: one grammar, nothing ignored."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import catalogue
from mockserver.stubs.stub import (
    Always,
    ErrorSpec,
    EveryNth,
    Exactly,
    Lasting,
    Outcome,
    Probability,
    Ramp,
    ReplySpec,
    Stub,
    StubError,
)
from mockserver.stubs.words import WORDS, find_directives, stub_of
from mockserver.wire.fault import Fault, known_faults
from mockserver.wire.pacing import Pacing, named

SAMPLES = {
    "after": "3", "status": "503", "retry_after": "1.5s", "leak_native": "true", "text": "晴", "reasoning": "hm",
    "finish": "length", "body": "oops", "pacing": "qwen-max", "ttft": "200ms", "itl": "0.02", "jitter": "5ms",
    "tokens_per_chunk": "2", "times": "2", "once": "true", "every": "3", "lasting": "30s",
    "ramp": "0..0.5/60s", "probability": "0.5",
}  # fmt: skip
NEEDS = {"retry_after": "fault=Throttling", "after": "fault=Throttling", "leak_native": "error=Throttling; after=1"}


def outcome(text: str) -> Outcome:
    (found,) = stub_of(text).outcomes
    return found


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# --- every word


def test_every_word_has_a_sample_and_says_what_it_is_for() -> None:
    assert list(SAMPLES) == list(WORDS)
    assert all(word.says for word in WORDS.values())


@pytest.mark.parametrize("word", WORDS)
def test_every_documented_word_is_read(word: str) -> None:
    spoken = stub_of(f"{NEEDS.get(word, '')}; {word}={quoted(SAMPLES[word])}")
    assert spoken.outcomes != (Outcome(),) or spoken.times != Always()


@pytest.mark.parametrize("name", catalogue())
def test_every_error_of_the_catalogue_can_be_asked_for(name: str) -> None:
    assert outcome(f"fault={quoted(name)} after=2") == Outcome(error=ErrorSpec(name, after=2))


@pytest.mark.parametrize("kind", known_faults())
def test_every_fault_can_be_asked_for(kind: str) -> None:
    assert outcome(f"fault={kind}").faults == (Fault(kind),)


@given(st.from_regex(r"[a-z][a-z_]{0,12}", fullmatch=True).filter(lambda word: word not in {*WORDS, "fault", "error"}))
def test_an_unknown_word_is_refused_by_its_name(word: str) -> None:
    for text in (f"{word}=1", f"ttft=1s; {word}", f"fault=Throttling {word}='x y'"):
        with pytest.raises(StubError, match=rf"'{word}' is (not known|a fault)"):
            stub_of(text)


@pytest.mark.parametrize("word", [word for word in WORDS if word not in {"text", "reasoning", "finish", "body"}])
def test_a_bad_value_is_refused_with_its_word(word: str) -> None:
    with pytest.raises(StubError, match=word):
        stub_of(f"{NEEDS.get(word, '')}; {word}=???")


# --- what they mean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fault=Throttling.RateQuota; ttft=200ms; after=3",
         Outcome(error=ErrorSpec("Throttling.RateQuota", after=3), pacing=Pacing(ttft=0.2))),
        ("after=3 error=DataInspectionFailed", Outcome(error=ErrorSpec("DataInspectionFailed", after=3))),
        ("fault=InvalidParameter/max-tokens-range max=8",
         Outcome(error=ErrorSpec("InvalidParameter/max-tokens-range", {"max": "8"}))),
        ("text='今天 晴' finish=length", Outcome(reply=ReplySpec(text="今天 晴", finish_reason="length"))),
        ('text="a\\"b\\\\c\\nd"', Outcome(reply=ReplySpec(text='a"b\\c\nd'))),
        ("status=503 body=oops", Outcome(reply=ReplySpec(status=503, body="oops"))),
        ("fault=InternalError status=502", Outcome(error=ErrorSpec("InternalError", status=502))),
        ("pacing=qwen-max-busy;ttft=1s", Outcome(pacing=replace(named("qwen-max-busy"), ttft=1.0))),
        ("fault=reset after=2; text=hi", Outcome(ReplySpec(text="hi"), faults=(Fault("reset", {"after": 2}),))),
        ("fault=stall duration=1s; fault=drip size=1KB every=1ms",
         Outcome(faults=(Fault("stall", {"duration": 1.0}), Fault("drip", {"size": 1024, "every": 0.001})))),
    ],
)  # fmt: skip
def test_words_become_an_outcome(text: str, expected: Outcome) -> None:
    assert outcome(text) == expected


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("times=2", Exactly(2)),
        ("once", Exactly(1)),
        ("every=3", EveryNth(3)),
        ("probability=0.1", Probability(0.1)),
        ("lasting=2m", Lasting(120)),
        ("ramp=0..0.5/60s", Ramp(0, 0.5, 60)),
        ("", Always()),
    ],
)
def test_words_say_how_often(text: str, times: object) -> None:
    assert stub_of(f"fault=Throttling {text}").times == times


@given(st.text().filter(lambda text: "\x00" not in text), st.sampled_from("'\""))
def test_any_text_survives_quotes(text: str, quote: str) -> None:
    escaped = text.replace("\\", "\\\\").replace(quote, "\\" + quote)
    spoken = stub_of(f"text={quote}{escaped}{quote}", "directive")
    assert spoken.outcomes == (Outcome(reply=ReplySpec(text=text)),)


def test_a_header_carries_utf8_as_latin1() -> None:
    assert outcome("text=晴".encode().decode("latin-1")) == Outcome(reply=ReplySpec(text="晴"))


def test_the_same_words_are_the_same_stub() -> None:
    assert stub_of("once text=a").id == stub_of("once text=a").id != stub_of("once text=b").id
    assert stub_of("once", "directive").source == "directive"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no word is given; there are fault, error, after"),
        ("fault=Throtling", "no error named 'Throtling'. Did you mean Throttling"),
        ("falt=x", "Did you mean fault"),
        ("reset", "write fault=reset"),
        ("fault=Throttling fault=InternalError", "one error, not Throttling and InternalError"),
        ("ttft=1s ttft=2s", "ttft is given twice"),
        ("times=2 every=3", "times and every contradict"),
        ("after=3", "after says when or how an error comes"),
        ("fault=Throttling text=hi", "leaves no reply"),
        ("status=700 body=x", "between 200 and 599"),
        ('text="abc', "text has no value, or a quote that is not closed"),
        ('text="a"b', "missing before 'b'"),
        ("=3", "'=3' is no word"),
        ("fault=reset aftr=1", "reset takes after, bytes"),
        ("fault=Throttling max=1", "Throttling takes none"),
        ("times=0", "times is 1 or more"),
        ("probability=2", "between 0 and 1"),
        ("x=" + "a" * 9000, "characters are too many"),
    ],
)
def test_what_cannot_be_is_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(StubError, match=says):
        stub_of(text)


@given(st.text(alphabet="fault=reset;after 1\"'\\[]ms.晴", max_size=40) | st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(StubError):
        assert isinstance(stub_of(text), Stub)


# --- directives


@pytest.mark.parametrize(
    ("text", "kept", "words"),
    [
        ("hello", "hello", None),
        ("  no directive [mock x] [[mocking]] ", "  no directive [mock x] [[mocking]] ", None),
        ("天气 [[mock fault=Throttling after=3]]", "天气", " fault=Throttling after=3"),
        ("a [[mock once]] b [[mock ttft=1s]]", "a  b", " once;  ttft=1s"),
        ('[[mock text="a ]] b"]]', "", ' text="a ]] b"'),
    ],
)
def test_directives_are_taken_out_of_the_text(text: str, kept: str, words: str | None) -> None:
    assert find_directives(text) == (kept, words)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[mock once", "not closed"),
        ("[[mock text='a]]", "not closed"),
        ("[[mock ]]" * 17, "more than 16 directives"),
        ("[[mock " * 50_000, "not closed"),
        ("[[mock '" + "\\'" * 50_000, "not closed"),
    ],
)
def test_a_directive_that_is_none_is_refused(text: str, says: str) -> None:
    with pytest.raises(StubError, match=says):
        find_directives(text)


@given(st.text(), st.text().filter(lambda text: "[[mock" not in text))
def test_what_stands_around_a_directive_is_kept(value: str, around: str) -> None:
    kept, words = find_directives(f"{around}[[mock text={quoted(value)}]]")
    assert kept == around.strip()
    assert stub_of(words or "", "directive").outcomes == (Outcome(reply=ReplySpec(text=value)),)
