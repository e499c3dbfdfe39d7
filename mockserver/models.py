"""The model table: what each model accepts, how long its input and output may be, and its defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Literal

from mockserver import resources

Thinking = Literal["no", "hybrid_off", "hybrid_on", "only"]


@dataclass(frozen=True, slots=True)
class Model:
    """One row of the table. Lengths are in tokens; None means that the limit is not known and not enforced.

    `thinking`: `hybrid_off` and `hybrid_on` can be switched with `enable_thinking` (default off or on);
    `only` cannot be switched off. `thinking_needs_stream`: thinking without a stream is refused.
    `system_prompt` is what the chat template adds when the client sends no system message. `tokenizer` names
    the vocabulary. `documents` says how many `fileid://` documents one request may hold (0: they are plain
    text). `schemas/control/model-table.json` describes every column.
    """

    name: str
    endpoint: Literal["text-generation", "multimodal-generation"]
    max_input: int | None
    max_output: int
    default_max_tokens: int
    thinking: Thinking
    context_window: int | None = None
    max_input_thinking: int | None = None
    max_cot: int | None = None
    max_output_thinking: int | None = None
    thinking_needs_stream: bool = False
    stream_only: bool = False
    result_format: Literal["text", "message"] = "text"
    incremental: bool = False
    tools: bool = True
    search: bool = True
    json_object: bool = True
    json_schema: bool = True
    logprobs: bool = True
    multiple: bool = True
    code_interpreter: bool = False
    media: bool = False
    documents: int = 0
    compatible: bool = True
    system_prompt: str | None = None
    tokenizer: Literal["qwen", "qwen3.5"] = "qwen"
    seed: int | None = 1234
    temperature: float = 0.7
    top_p: float = 0.8
    created: int = 0

    def input_limit(self, *, thinking: bool) -> int | None:
        """The longest prompt, in tokens."""
        return self.max_input_thinking if thinking and self.max_input_thinking else self.max_input

    def output_limit(self, *, thinking: bool) -> int:
        """The largest `max_tokens`."""
        return self.max_output_thinking if thinking and self.max_output_thinking else self.max_output


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A text embedding model: `dimensions[0]` is not always the default."""

    name: str
    dimensions: tuple[int, ...]
    default_dimension: int
    max_batch: int
    max_tokens_per_text: int


@cache
def models(profile: str) -> Mapping[str, Model]:
    """The generation models by name, as the era of `profile` has them. Every profile knows every name."""
    return {row["name"]: _model(row, profile) for row in _table()["models"]}


@cache
def embedding_models() -> Mapping[str, EmbeddingModel]:
    """The embedding models by name."""
    return {row["name"]: _embedding_model(row) for row in _table()["embeddings"]}


def _table() -> Any:
    return resources.load("fixtures", "models.json")


def _model(row: Mapping[str, Any], profile: str) -> Model:
    facts = _fields(row, Model)
    return Model(**{**facts, **row.get("by_profile", {}).get(profile, {})})


def _embedding_model(row: Mapping[str, Any]) -> EmbeddingModel:
    facts = _fields(row, EmbeddingModel)
    return EmbeddingModel(**{**facts, "dimensions": tuple(row["dimensions"])})


def _fields(row: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """What the class knows of a row: where it comes from and how sure it is stays in the file."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in row.items() if name in names}
