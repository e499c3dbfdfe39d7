"""Log probabilities nobody computed: plausible, and the same for the same token and seed.

The chosen token has more than half of the probability; every alternative has half of what is left by those
before it.
"""

import hashlib
import math
from collections.abc import Iterator
from typing import Any

from mockserver.engine.tokenizer import Tokenizer

_COMMON = 50_000
"""Alternatives are looked for among the most frequent tokens."""


def for_text(tokenizer: Tokenizer, text: str, *, seed: int, top: int) -> list[dict[str, Any]]:
    """One entry per token of `text`; what a token gets does not depend on the text after it."""
    return [
        for_token(tokenizer, token, seed=seed + place, top=top) for place, token in enumerate(tokenizer.encode(text))
    ]


def for_token(tokenizer: Tokenizer, token: int, *, seed: int, top: int) -> dict[str, Any]:
    """The entry of one token in the shape and key order of the wire (recorded 2025-07).

    `{"top_logprobs": [{"logprob", "bytes", "token"}, ...], "logprob", "bytes", "token"}`: `top` candidates,
    the chosen token first, falling.
    """
    draw = _draw(token, seed)
    chosen = 0.5 + 0.4999 * (draw / 2**64)
    ranked = [_entry(tokenizer, token, chosen)]
    left = 1 - chosen
    for other in _others(tokenizer, token, draw, top - 1):
        left /= 2
        ranked.append(_entry(tokenizer, other, left))
    return {"top_logprobs": ranked[:top], **ranked[0]}


def _draw(token: int, seed: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{token}".encode(), digest_size=8).digest())


def _entry(tokenizer: Tokenizer, token: int, probability: float) -> dict[str, Any]:
    spelled = tokenizer.bytes_of(token)
    return {
        "logprob": round(math.log(probability), 8),
        "bytes": list(spelled),
        "token": spelled.decode("utf-8", "replace"),
    }


def _others(tokenizer: Tokenizer, token: int, draw: int, number: int) -> Iterator[int]:
    """`number` tokens that are whole characters and not `token`."""
    candidate = draw % _COMMON
    while number > 0:
        candidate = (candidate + 7919) % _COMMON
        if candidate != token and _is_whole(tokenizer.bytes_of(candidate)):
            number -= 1
            yield candidate


def _is_whole(spelled: bytes) -> bool:
    try:
        spelled.decode()
    except UnicodeDecodeError:
        return False
    return True
