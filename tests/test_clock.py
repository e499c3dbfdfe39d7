import re
import time
import uuid

from mockserver.clock import FixedClock, Ids, SystemClock


def test_gateway_ids_are_uuids_with_a_nine() -> None:
    ids = Ids()
    for _ in range(100):
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-9[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", ids.request_id())


def test_file_ids_are_uuids_of_version_four() -> None:
    found = uuid.UUID(Ids().uuid4())
    assert (found.version, found.variant) == (4, uuid.RFC_4122)


def test_hexadecimal_ids_have_the_length_asked_for() -> None:
    assert [len(Ids().hex(digits)) for digits in (1, 22, 23, 24)] == [1, 22, 23, 24]


def test_a_seed_repeats_the_sequence() -> None:
    first, second, other = Ids(7), Ids(7), Ids(8)
    assert [first.request_id(), first.hex(24)] == [second.request_id(), second.hex(24)]
    assert first.request_id() != other.request_id()


def test_a_fixed_clock_moves_only_when_told_to() -> None:
    clock = FixedClock(1000)
    assert clock.now_ms() == 1000
    clock.advance(5)
    assert clock.now_ms() == 1005


def test_the_system_clock_is_in_milliseconds() -> None:
    assert abs(SystemClock().now_ms() - time.time() * 1000) < 5000
