"""Each fault over pure data: what it does to the segments of an answer."""

import json
import zlib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_socket import STREAM, chance, event

from mockserver import schemas
from mockserver.wire.answer import Answer, Headers
from mockserver.wire.delivery import Delivery, Segment
from mockserver.wire.fault import Fault, FaultError, fault
from mockserver.wire.fault_kind import STAGES, Setting
from mockserver.wire.faults import FAULTS, bend, known_faults, schema, validated
from mockserver.wire.pacing import Pacing

EVENTS = [event(number) for number in range(1, 5)]
DONE = b"data: [DONE]\n\n"
FINISH = b'data: {"choices":[{"finish_reason":"stop"}]}\n\n'
RUNNING = b'data: {"choices":[{"delta":{"content":"\\"finish_reason\\":\\"stop\\""},"finish_reason":null}]}\n\n'

events = st.lists(st.builds(event, st.integers(1, 99), st.text("aé漢😀")), min_size=1, max_size=12)


def bent(frames: Iterable[bytes] | bytes, *faults: Fault, pacing: Pacing | None = None, seed: int = 0) -> Delivery:
    headers: Headers = [(b"content-type", b"application/json")] if isinstance(frames, bytes) else [STREAM]
    body = frames if isinstance(frames, bytes) else iter(frames)
    setting = Setting(chance(seed), lambda _fault, number: b"event:error\ndata:%d\n\n" % number + DONE)
    return bend(Answer(200, headers, body), faults, pacing, setting)


def data(frames: Iterable[bytes] | bytes, kind: str, /, **params: Any) -> list[bytes]:
    return [segment.data for segment in bent(frames, fault(kind, params)).segments]


def counted(segments: Iterable[Segment]) -> int:
    return sum(segment.events for segment in segments)


def parsed(stream: bytes) -> list[bytes]:
    """The data of the events of a stream, as the SSE standard says."""
    lines = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    found: list[bytes] = []
    held: list[bytes] = []
    for line in lines:
        name, _, value = line.partition(b":")
        if not line:
            found += [b"\n".join(held)] if held else []
            held = []
        elif name == b"data":
            held.append(value.removeprefix(b" "))
    return found


# --- the table


def test_every_kind_names_itself_and_says_in_a_line_what_the_client_sees_in_two_languages() -> None:
    for name, kind in FAULTS.items():
        assert kind.name == name
        assert kind.stage in STAGES
        for en, zh in ((kind.en, kind.zh), *((param.en, param.zh) for param in kind.params.values())):
            assert en.endswith(".")
            assert zh.endswith("。")
            assert "\n" not in en + zh
        assert set(kind.one_of) <= set(kind.params)


@pytest.mark.parametrize("name", FAULTS)
def test_the_defaults_of_every_kind_are_values_it_accepts(name: str) -> None:
    defaults = {key: param.default for key, param in FAULTS[name].params.items() if param.default is not None}
    if FAULTS[name].one_of:
        defaults = {key: value for key, value in defaults.items() if key not in FAULTS[name].one_of}
    assert fault(name, defaults).params == defaults


def test_every_kind_is_known_to_header_directive_and_stubs() -> None:
    assert known_faults["reset"] == {"after": "count", "bytes": "size"}
    assert set(known_faults) == set(FAULTS)


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("rest", {}, "no fault 'rest'. Did you mean reset"),
        ("reset", {"afer": 1}, "has no parameter 'afer'; it takes after, bytes"),
        ("http10", {"x": 1}, "it takes none"),
        ("line-ends", {"style": "lf"}, "'lf' is none of crlf, cr, mixed"),
        ("http-status", {"status": 99}, "99 is less than 100"),
        ("http-status", {"status": 1000}, "1000 is more than 999"),
        ("http-status", {"headers": "no header"}, "cannot be sent"),
        ("http-status", {"headers": "a: 1\r\nb: \x00"}, "cannot be sent"),
        ("content-type", {"type": "a\r\nb: c"}, "cannot be sent"),
        ("segments", {"at": "1;2"}, "cannot be sent"),
        ("comments", {"text": "two\nlines"}, "cannot be sent"),
        ("reset", {"after": 1, "bytes": 1}, "one of after and bytes, not both"),
        ("drip", {"size": 0}, "0 is less than 1"),
    ],
)
def test_what_could_never_work_is_refused_in_words(kind: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(FaultError, match=message):
        validated(Fault(kind, params))


def test_the_schema_is_the_table() -> None:
    path = Path(__file__).parents[2] / "schemas/control/fault.json"
    assert json.loads(path.read_text()) == schema()


@pytest.mark.parametrize(
    ("document", "is_accepted"),
    [
        ({"kind": "reset"}, True),
        ({"kind": "drip", "every": "100ms"}, True),
        ({"kind": "gzip", "mode": "broken"}, True),
        ({"kind": "rest"}, False),
        ({"kind": "reset", "size": 1}, False),
        ({"kind": "reset", "after": 1, "bytes": 2}, False),
        ({"kind": "gzip", "mode": "maybe"}, False),
        ({"after": 1}, False),
    ],
)
def test_the_schema_accepts_what_the_table_does(document: dict[str, Any], is_accepted: bool) -> None:
    assert schemas.accepts("control/fault", document) is is_accepted


# --- composition


@pytest.mark.parametrize("name", [name for name in FAULTS if FAULTS[name].stage != "answer"])
def test_no_fault_makes_more_of_a_stream_than_one_event_ahead_of_what_is_sent(name: str) -> None:
    made = 0

    def frames() -> Iterator[bytes]:
        nonlocal made
        for number in range(50):
            made += 1
            yield event(number)

    delivery = bent(frames(), fault(name, {}))
    next(iter(delivery.segments), None)
    assert made <= 3 or delivery.framing == "length"


def test_faults_act_in_the_order_in_which_bytes_come_into_being() -> None:
    reset, drop = fault("reset", {"after": 2}), fault("drop", {"event": 1})
    for faults in ((reset, drop), (drop, reset)):
        assert [segment.data for segment in bent(EVENTS, *faults).segments] == EVENTS[1:3]


@pytest.mark.parametrize("name", [name for name in FAULTS if FAULTS[name].streams_only])
def test_what_is_about_streams_leaves_other_bodies_alone_and_says_so(name: str) -> None:
    delivery = bent(b'{"a": 1}', fault(name, {}))
    assert [segment.data for segment in delivery.segments] == [b'{"a": 1}']
    assert delivery.idle == (name,)


@given(st.lists(st.sampled_from(sorted(FAULTS)), max_size=4), events, st.integers())
def test_any_faults_go_together_and_the_same_seed_gives_the_same_bytes(
    names: list[str], frames: list[bytes], seed: int
) -> None:
    pacing = Pacing(ttft=0.1, itl=0.01, jitter=0.02)
    first, second = (bent(frames, *(fault(name, {}) for name in names), pacing=pacing, seed=seed) for _ in range(2))
    assert list(first.segments) == list(second.segments)
    assert (first.headers, first.finish, first.framing) == (second.headers, second.finish, second.framing)


# --- pacing


def test_every_event_has_its_time_and_what_is_cut_of_it_follows() -> None:
    delivery = bent(EVENTS, fault("segments", {"size": 40}), pacing=Pacing(ttft=1, itl=0.5))
    starts = [segment for segment in delivery.segments if segment.due is not None]
    assert [segment.due for segment in starts] == [1, 1.5, 2, 2.5]
    assert all(segment.data.startswith(b"id:") for segment in starts)


def test_merged_events_leave_with_the_last_of_them() -> None:
    delivery = bent(EVENTS, fault("merge", {"events": 3}), pacing=Pacing(ttft=1, itl=0.5))
    assert [(segment.due, segment.events) for segment in delivery.segments] == [(2, 3), (2.5, 1)]


def test_what_follows_a_stall_comes_as_much_later() -> None:
    delivery = bent(EVENTS, fault("stall", {"after": 2, "duration": "10s"}), pacing=Pacing(itl=1))
    assert [segment.due for segment in delivery.segments] == [0, 1, 12, 13]


# --- events


def test_malformed_json_breaks_off_one_event_and_keeps_its_frame() -> None:
    broken = data(EVENTS, "malformed-json", event=2)
    assert broken[1] == b'id:2\nevent:result\n:HTTP_STATUS/200\ndata:{"output":{\n\n'
    assert [broken[0], *broken[2:]] == [EVENTS[0], *EVENTS[2:]]


@given(st.dictionaries(st.text(), st.text(), min_size=1))
def test_malformed_json_is_utf8_but_no_json(document: dict[str, str]) -> None:
    (broken,) = data(json.dumps(document, ensure_ascii=False).encode(errors="ignore"), "malformed-json")
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken.decode())


def test_an_event_that_does_not_exist_is_the_last_one() -> None:
    assert data(EVENTS, "drop", event=99) == EVENTS[:3]


def test_a_truncated_event_is_the_last() -> None:
    assert data(EVENTS, "truncated-event", event=2, keep=7) == [EVENTS[0], b"id:2\nev"]
    assert data(EVENTS, "truncated-event", event=1)[0] in EVENTS[0]


def test_garbage_stands_between_events_and_is_none() -> None:
    segments = list(bent(EVENTS, fault("garbage", {"after": 1})).segments)
    assert segments[1] == Segment(b"<html>502 Bad Gateway</html>\n\n", events=0)
    assert len(segments) == 5


def test_random_garbage_comes_from_the_seed() -> None:
    noise = data(EVENTS, "garbage", size=100)[1]
    assert noise == chance().randbytes(100)


def test_events_twice_out_of_order_and_missing() -> None:
    one, two, three, four = EVENTS
    assert data(EVENTS, "duplicate", event=2, copies=2) == [one, two, two, two, three, four]
    assert data(EVENTS, "reorder") == [two, one, three, four]
    assert data(EVENTS, "reorder", event=9) == [one, two, four, three]
    assert data(EVENTS, "drop", event=2, count=2) == [one, four]


def test_a_stream_without_its_finish_ends_before_it() -> None:
    stream = [RUNNING, RUNNING, FINISH, b'data: {"choices":[],"usage":{}}\n\n', DONE]
    assert data(stream, "no-finish") == stream[:2]
    assert data(stream, "no-finish", done=True) == [*stream[:2], DONE]


def test_a_stream_that_never_finishes_loses_its_last_event() -> None:
    assert data([*EVENTS, DONE], "no-finish") == EVENTS[:3]


def test_a_native_finish_reason_of_null_is_a_string_and_no_finish() -> None:
    running = b'data:{"output":{"finish_reason":"null"}}\n\n'
    assert data([running, FINISH], "no-finish") == [running]


def test_only_the_end_marker_is_missing() -> None:
    assert data([RUNNING, FINISH, DONE], "no-done") == [RUNNING, FINISH]


@pytest.mark.parametrize("after", [0, 2, 4])
def test_an_error_frame_has_the_next_number_and_the_stream_ends_with_it(after: int) -> None:
    error = b"event:error\ndata:%d\n\n" % (after + 1)
    assert data(EVENTS, "error-frame", after=after) == [*EVENTS[:after], error, DONE]


def test_an_error_frame_needs_a_dialect() -> None:
    with pytest.raises(FaultError, match="needs a dialect"):
        bend(Answer(200, [STREAM], iter(EVENTS)), [fault("error-frame", {})], None, Setting(chance()))


def test_the_dialect_is_told_what_the_error_frame_is_of() -> None:
    told = []

    def frame(asked: Fault, number: int) -> bytes:
        told.append((asked, number))
        return b"data: {}\n\n"

    params: dict[str, str | int] = {"name": "Throttling", "after": 1, "leak_native": True}
    list(
        bend(
            Answer(200, [STREAM], iter(EVENTS)), [fault("error-frame", params)], None, Setting(chance(), frame)
        ).segments
    )
    assert told == [(Fault("error-frame", params), 2)]


# --- lines


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("line-ends", {"style": "crlf"}),
        ("line-ends", {"style": "cr"}),
        ("line-ends", {"style": "mixed"}),
        ("bom", {}),
        ("comments", {}),
        ("comments", {"place": "fields"}),
        ("extra-blank-lines", {}),
        ("colon-space", {"spaces": 0}),
        ("colon-space", {"spaces": 1}),
        ("unknown-fields", {}),
        ("segments", {"cut": "in-utf8"}),
        ("segments", {"cut": "in-data"}),
        ("segments", {"cut": "in-crlf"}),
        ("segments", {"size": 3}),
        ("segments", {"at": "5,1,1,70"}),
        ("merge", {}),
        ("drip", {}),
    ],
)
@given(frames=events)
def test_a_valid_but_unusual_stream_says_the_same(kind: str, params: dict[str, Any], frames: list[bytes]) -> None:
    segments = list(bent(frames, fault(kind, params)).segments)
    assert parsed(b"".join(segment.data for segment in segments)) == parsed(b"".join(frames))
    assert counted(segments) == len(frames)


@given(st.integers(2, 9), st.recursive(st.text('ab,{["\\') | st.integers(), lambda inner: st.lists(inner, min_size=2)))
def test_data_in_several_lines_is_the_same_json(lines: int, value: Any) -> None:
    frame = b"data: " + json.dumps({"a": value}).encode() + b"\n\n"
    (split,) = data([frame], "multi-line-data", lines=lines)
    assert 2 <= split.count(b"data: ") <= lines
    (joined,) = parsed(split)
    assert json.loads(joined) == {"a": value}


def test_multi_line_data_leaves_the_end_marker_whole() -> None:
    assert data([DONE], "multi-line-data") == [DONE]


def test_lines_as_asked_for() -> None:
    assert data([event(1)], "line-ends", style="cr") == [event(1).replace(b"\n", b"\r")]
    assert data([b"a:1\nb:2\nc:3\n\n"], "line-ends", style="mixed") == [b"a:1\nb:2\rc:3\r\n\n"]
    assert data([DONE, DONE], "bom") == [b"\xef\xbb\xbf" + DONE, DONE]
    assert data([DONE], "extra-blank-lines", count=1) == [DONE + b"\n"]
    assert data([DONE, DONE], "missing-blank-lines") == [DONE[:-1]] * 2
    assert data([DONE, DONE], "missing-blank-lines", event=2) == [DONE, DONE[:-1]]
    assert data([b"id:1\n:note\ndata: {}\n\n"], "colon-space", spaces=2) == [b"id:  1\n:note\ndata:  {}\n\n"]
    assert data([DONE], "comments", text="ping") == [b": ping\n\n", DONE]
    assert data([b"id:1\ndata:x\n\n"], "comments", place="fields") == [b"id:1\n: keep-alive\ndata:x\n\n"]
    assert data([DONE], "unknown-fields") == [b"x-unknown:1\nlone\n" + DONE]


# --- segments


@given(frames=events)
def test_segments_are_cut_inside_of_what_they_name(frames: list[bytes]) -> None:
    for cut, before, after in (("in-data", b"da", b"ta:"), ("in-crlf", b"\r", b"\n")):
        pieces = data(frames, "segments", cut=cut)
        assert len(pieces) > len(frames)
        for left, right in pairwise(pieces):
            assert (left.endswith(before) and right.startswith(after)) or left.endswith(b"\n")


def test_a_cut_inside_a_character_leaves_neither_side_utf8() -> None:
    first, second = data([event(1, "é漢")], "segments", cut="in-utf8")
    for side in (first, second):
        with pytest.raises(UnicodeDecodeError):
            side.decode()


def test_cuts_at_given_places_count_over_the_whole_body() -> None:
    segments = list(bent([b"abc", b"def"], fault("segments", {"at": "1,4,99"})).segments)
    assert [(segment.data, segment.events) for segment in segments] == [(b"a", 0), (b"bcd", 1), (b"ef", 1)]


def test_every_cut_has_its_pause() -> None:
    assert {segment.pause for segment in bent(EVENTS, fault("segments", {})).segments} == {0.001}
    assert {segment.pause for segment in bent(EVENTS, fault("drip", {"every": "1s"})).segments} == {1.0}


# --- answer and connection


def test_gzip_that_is_broken_stops_every_decompressor() -> None:
    delivery = bent(EVENTS, fault("gzip", {"mode": "broken"}))
    assert (b"content-encoding", b"gzip") in delivery.headers
    with pytest.raises(zlib.error):
        zlib.decompress(b"".join(segment.data for segment in delivery.segments), 31)


def test_an_http_status_keeps_the_headers_that_are_not_about_the_body() -> None:
    answer = Answer(200, [(b"content-encoding", b"gzip"), (b"x-request-id", b"7"), STREAM], iter(EVENTS), gzip=True)
    asked = fault("http-status", {"status": 503, "body": "busy", "headers": "Retry-After: 3\nx-a: b"})
    delivery = bend(answer, [asked], None, Setting(chance()))
    assert delivery.headers == [
        (b"x-request-id", b"7"),
        (b"content-type", b"text/plain"),
        (b"content-length", b"4"),
        (b"retry-after", b"3"),
        (b"x-a", b"b"),
    ]


@given(frames=events, size=st.integers(0, 2000))
def test_an_end_after_so_many_bytes_leaves_exactly_these(frames: list[bytes], size: int) -> None:
    segments = list(bent(frames, fault("reset", {"bytes": size})).segments)
    received = b"".join(segment.data for segment in segments)
    assert received == b"".join(frames)[:size]
    assert counted(segments) == sum(len(b"".join(frames[: n + 1])) <= size for n in range(len(frames)))


@given(frames=events, after=st.integers(0, 15))
def test_an_end_after_so_many_events_leaves_exactly_these(frames: list[bytes], after: int) -> None:
    for faults in ([], [fault("segments", {"size": 5})], [fault("comments", {"place": "fields"})]):
        segments = bent(frames, *faults, fault("close", {"after": after})).segments
        assert counted(segments) == min(after, len(frames))
