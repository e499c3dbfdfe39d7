"""Vectors for texts: deterministic, of unit length, and nearer for texts that share words.

Feature hashing: every token and every pair of neighbouring characters of a text pushes a few coordinates,
chosen by its hash, up or down; more often pushes harder, but only by the logarithm. A faint noise of the
text's own fills the other coordinates. So the cosine of two texts grows with what they share; unrelated texts
are near zero.
"""

import math
import random
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from mockserver.engine.tokenizer import Tokenizer

_PUSHES = 4
_NOISE = 0.05
_MASK = 2**64 - 1


def embed(text: str, dimension: int, tokenizer: Tokenizer) -> list[float]:
    """The vector of `text`: `dimension` numbers whose squares add up to 1."""
    vector = [0.0] * dimension
    for feature, times in _features(text, tokenizer).items():
        weight = 1 + math.log(times)
        for mixed in _mix(feature):
            vector[(mixed >> 33) % dimension] += weight if mixed >> 32 & 1 else -weight
    return _unit(_with_noise(_unit(vector), text))


def _features(text: str, tokenizer: Tokenizer) -> Counter[int]:
    features = Counter(tokenizer.encode(text))
    pairs = Counter(map("".join, pairwise(text.lower())))
    for pair, times in pairs.items():
        features[zlib.crc32(pair.encode("utf-8", "replace")) + 2**32] += times
    return features


def _mix(feature: int) -> Iterator[int]:
    """Well-spread 64-bit numbers from a small one (Knuth's linear congruence)."""
    mixed = (feature + 1) * 0x9E3779B97F4A7C15 & _MASK
    for _ in range(_PUSHES):
        mixed = (mixed * 6364136223846793005 + 1442695040888963407) & _MASK
        yield mixed


def _with_noise(vector: list[float], text: str) -> list[float]:
    own = random.Random(zlib.crc32(text.encode("utf-8", "replace")))  # noqa: S311 - no secret
    spread = _NOISE / math.sqrt(len(vector))
    return [value + own.gauss(0, spread) for value in vector]


def _unit(vector: list[float]) -> list[float]:
    length = math.sqrt(math.fsum(value * value for value in vector))
    return [value / length for value in vector] if length else vector
