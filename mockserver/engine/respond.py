"""What the model says to a request within its limits: the replies of the writer or of a test, cut, with logprobs."""

from collections.abc import Sequence
from dataclasses import replace

from mockserver.engine import limits, logprobs, writer
from mockserver.engine.tokenizer import Tokenizer
from mockserver.generation import Choice, Completion, GenerationRequest, Reply


def respond(
    request: GenerationRequest, tokenizer: Tokenizer, input_tokens: int, *, replies: Sequence[Reply] | None = None
) -> Completion:
    """The completion of a request whose prompt has `input_tokens` tokens. Without `replies` the writer speaks."""
    completion = limits.complete(
        request,
        writer.replies(request) if replies is None else replies,
        tokenizer,
        limit=min(request.model.default_max_tokens, request.model.output_limit(thinking=request.thinking)),
        input_tokens=input_tokens,
    )
    if request.top_logprobs is None:
        return completion
    choices = tuple(_with_logprobs(choice, request, tokenizer) for choice in completion.choices)
    return replace(completion, choices=choices)


def _with_logprobs(choice: Choice, request: GenerationRequest, tokenizer: Tokenizer) -> Choice:
    seed = request.seed if request.seed is not None else 0
    top = request.top_logprobs or 0
    return replace(choice, logprobs=tuple(logprobs.for_text(tokenizer, choice.text.text, seed=seed, top=top)))
