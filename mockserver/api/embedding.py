"""Embeddings for both dialects: what may be asked, and the vectors."""

import asyncio
from typing import Any

from mockserver.engine import tokenizer
from mockserver.engine.embedding import embed
from mockserver.errors import ApiError
from mockserver.models import EmbeddingModel

Vectors = tuple[list[list[float]], int]


async def vectors(model: EmbeddingModel, contents: Any, dimension: Any) -> Vectors:
    """One vector per text, and the tokens of all texts. `contents` and `dimension` are what the client sent.

    Raises:
        ApiError: no texts, too many or too long ones, or a dimension that the model does not have.
    """
    texts = _texts(contents)
    if len(texts) > model.max_batch:
        raise ApiError("InvalidParameter/batch-size", max=model.max_batch)
    size = model.default_dimension if dimension is None else dimension
    if isinstance(size, bool) or size not in model.dimensions:
        raise ApiError("InvalidParameter/embedding-dimension", allowed=sorted(model.dimensions))
    return await asyncio.to_thread(_embed, model, texts, size)


def _texts(contents: Any) -> list[str]:
    texts = [contents] if isinstance(contents, str) else contents
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ApiError("InvalidParameter/contents-type")
    return texts


def _embed(model: EmbeddingModel, texts: list[str], dimension: int) -> Vectors:
    vocabulary = tokenizer.load()
    counts = [vocabulary.count(text) for text in texts]
    if not all(1 <= count <= model.max_tokens_per_text for count in counts):
        raise ApiError("InvalidParameter/input-length", max=model.max_tokens_per_text)
    return [embed(text, dimension, vocabulary) for text in texts], sum(counts)
