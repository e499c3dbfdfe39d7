"""Vectors that tell like from unlike."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine import tokenizer
from mockserver.engine.embedding import embed


def cosine(one: str, other: str) -> float:
    vectors = (embed(text, 1_024, tokenizer.load()) for text in (one, other))
    return math.fsum(a * b for a, b in zip(*vectors, strict=True))


@given(st.text(max_size=50), st.sampled_from((64, 1_024, 1_536)))
def test_a_vector_has_its_dimension_and_unit_length(text: str, dimension: int) -> None:
    vector = embed(text, dimension, tokenizer.load())
    assert len(vector) == dimension
    assert math.hypot(*vector) == pytest.approx(1)
    assert vector == embed(text, dimension, tokenizer.load())


@pytest.mark.parametrize(
    ("text", "like", "unlike"),
    [
        ("杭州今天的天气怎么样", "今天杭州天气如何", "请写一段快速排序的代码"),
        ("The cat sat on the mat.", "A cat is sitting on a mat.", "Quarterly revenue grew by 12%"),
    ],
)
def test_like_texts_are_nearer_than_unlike_ones(text: str, like: str, unlike: str) -> None:
    assert cosine(text, text) == pytest.approx(1)
    assert cosine(text, like) > cosine(text, unlike) + 0.1
    assert abs(cosine(text, unlike)) < 0.3


def test_coordinates_are_pushed_both_ways() -> None:
    vector = embed("".join(map(chr, range(0x4E00, 0x5A00))), 1_024, tokenizer.load())
    assert 0.3 < sum(value < 0 for value in vector) / len(vector) < 0.7


def test_a_long_text_is_quick() -> None:
    text = " ".join(f"word{number} 天气" for number in range(2_000))
    started = time.process_time()
    embed(text, 1_536, tokenizer.load())
    assert time.process_time() - started < 1
