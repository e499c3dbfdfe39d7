"""Log probabilities: plausible and repeatable."""

import json

from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine import tokenizer
from mockserver.engine.logprobs import for_text, for_token

TOKENS = st.integers(0, 150_000)
SEEDS = st.integers(0, 2**64 - 1)


@given(TOKENS, SEEDS, st.integers(0, 5))
def test_candidates_fall_from_the_chosen_token(token: int, seed: int, top: int) -> None:
    entry = for_token(tokenizer.load(), token, seed=seed, top=top)
    ranked = entry["top_logprobs"]
    assert len(ranked) == top
    assert [one["token"] for one in ranked[:1]] == [entry["token"]] * min(top, 1)
    assert [one["logprob"] for one in ranked] == sorted((one["logprob"] for one in ranked), reverse=True)
    assert entry["logprob"] < 0
    assert len({tuple(one["bytes"]) for one in ranked}) == top


@given(TOKENS, SEEDS)
def test_the_same_token_and_seed_give_the_same_entry(token: int, seed: int) -> None:
    encoding = tokenizer.load()
    assert for_token(encoding, token, seed=seed, top=3) == for_token(encoding, token, seed=seed, top=3)


def test_keys_are_in_the_order_of_the_wire() -> None:
    (entry,) = for_text(tokenizer.load(), "2", seed=1, top=1)
    assert json.dumps(list(entry)) == '["top_logprobs", "logprob", "bytes", "token"]'
    assert list(entry["top_logprobs"][0]) == ["logprob", "bytes", "token"]
    assert (entry["bytes"], entry["token"]) == ([50], "2")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_the_bytes_of_all_entries_are_the_text(text: str) -> None:
    entries = for_text(tokenizer.load(), text, seed=7, top=0)
    assert b"".join(bytes(entry["bytes"]) for entry in entries).decode() == text
