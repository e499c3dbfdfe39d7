"""A fault by name: known kinds, known parameters, read values."""

import pytest

from mockserver.wire.fault import FaultError, fault, known_faults
from mockserver.wire.faults import FAULTS


def test_values_are_read_from_text() -> None:
    assert fault("reset", {"after": "3"}).params == {"after": 3}
    assert fault("drip", {"size": "1KB", "every": "20ms"}).params == {"size": 1024, "every": 0.02}


def test_the_table_is_that_of_the_kinds() -> None:
    assert list(known_faults()) == list(FAULTS)


@pytest.mark.parametrize(
    ("kind", "params", "says"),
    [
        ("resett", {}, "Did you mean reset"),
        ("reset", {"aftr": 1}, "no parameter 'aftr'; it takes after"),
        ("reset", {"after": "soon"}, "after: 'soon' is not a whole number"),
        ("http-status", {"status": 99}, "99 is less than"),
    ],
)
def test_what_is_not_known_is_refused_by_name(kind: str, params: dict[str, object], says: str) -> None:
    with pytest.raises(FaultError, match=says):
        fault(kind, params)
