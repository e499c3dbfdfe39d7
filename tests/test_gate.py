import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import ApiError
from mockserver.gate import mask, read_key

keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80).map("sk-{}".format)


def refused_as(authorization: str, accepted: tuple[str, ...] | None = None) -> str:
    with pytest.raises(ApiError) as refused:
        read_key(authorization, accepted=accepted)
    return refused.value.entry.name


@given(keys)
def test_any_sk_key_is_let_in(key: str) -> None:
    assert read_key(f"Bearer {key}") == key


@pytest.mark.parametrize("authorization", ["bearer sk-a", "BEARER sk-a", "Bearer  sk-a", " Bearer sk-a "])
def test_the_scheme_is_read_as_http_reads_it(authorization: str) -> None:
    assert read_key(authorization) == "sk-a"


@pytest.mark.parametrize("authorization", ["", " ", "Bearer", "Bearer ", "Basic c2stYTpi", "Bearersk-a"])
def test_no_key_is_one_error(authorization: str) -> None:
    assert refused_as(authorization) == "InvalidApiKey/missing"


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer invalid",
        "Bearer EMPTY",
        "Bearer sk-",
        "Bearer SK-a",
        "sk-a",
        "Bearer sk-a b",
        "Bearer sk-é",
        "Bearer sk-" + "x" * 300,
        "Bearer sk-a, Bearer sk-b",
        "Bearer sk-a\x00",
    ],
)
def test_a_wrong_key_is_another(authorization: str) -> None:
    assert refused_as(authorization) == "InvalidApiKey"


def test_only_listed_keys_are_let_in_where_there_is_a_list() -> None:
    assert read_key("Bearer sk-a", accepted=("sk-a", "sk-b")) == "sk-a"
    assert refused_as("Bearer sk-c", ("sk-a", "sk-b")) == "InvalidApiKey"


@given(keys.filter(lambda key: "*" not in key))
def test_a_masked_key_shows_at_most_half_of_its_name(key: str) -> None:
    shown = mask(key)
    assert key not in shown
    assert shown.startswith("sk-")
    assert len(shown.replace("***", "", 1)) - len("sk-") <= (len(key) - len("sk-")) / 2


def test_a_long_key_can_be_told_from_others() -> None:
    assert mask("sk-abcdefghijklmnopqrstuvwxyz") == "sk-abc***xyz"
