"""Ranges of numbers: those every model shares, and those that depend on the model or the profile."""

from collections.abc import Callable
from typing import Any

from mockserver.dialects.draft import Draft
from mockserver.rules.rule import FOUND, Params, Rule, When


def _outside(name: str, fits: Callable[[Any], bool]) -> When:
    def when(draft: Draft) -> Params | None:
        value = draft.parameters.get(name)
        return FOUND if value is not None and not fits(value) else None

    return when


def _mixed_stop(draft: Draft) -> Params | None:
    stop = draft.parameters.get("stop")
    return FOUND if isinstance(stop, list) and not _homogeneous(stop) else None


def _homogeneous(stop: list[Any]) -> bool:
    if stop and all(isinstance(element, list) for element in stop):
        return all(_is_token(token) for element in stop for token in element)
    return all(isinstance(element, str) for element in stop) or all(_is_token(element) for element in stop)


def _is_token(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


FIXED = (
    Rule("InvalidParameter/repetition-penalty-range", _outside("repetition_penalty", lambda value: value > 0)),
    Rule("InvalidParameter/presence-penalty-range", _outside("presence_penalty", lambda value: -2 <= value <= 2)),
    Rule("InvalidParameter/top-k-range", _outside("top_k", lambda value: value >= 0)),
    Rule("InvalidParameter/n-range", _outside("n", lambda value: 1 <= value <= 4)),
    Rule("InvalidParameter/top-logprobs-range", _outside("top_logprobs", lambda value: 0 <= value <= 5)),
    Rule("InvalidParameter/stop-type", _mixed_stop),
)


def _max_tokens(draft: Draft) -> Params | None:
    limit = draft.model.output_limit(thinking=draft.thinking)
    value = draft.parameters.get("max_tokens")
    return {"max": limit} if value is not None and not 1 <= value <= limit else None


def _max_completion_tokens(draft: Draft) -> Params | None:
    value = draft.parameters.get("max_completion_tokens")
    limit = draft.model.output_limit(thinking=draft.thinking) + (draft.model.max_cot or 0)
    return {"max": limit} if value is not None and not 1 <= value <= limit else None


def _temperature(draft: Draft) -> Params | None:
    value = draft.parameters.get("temperature")
    if value is None or 0 <= value < 2:
        return None
    closed = draft.dialect == "native" and draft.profile.temperature_maximum_allowed
    return None if closed and value == 2 else FOUND  # noqa: PLR2004 - the bound in the message


def _top_p(draft: Draft) -> Params | None:
    value = draft.parameters.get("top_p")
    if value is None or 0 < value < 1:
        return None
    return None if value == 1 and draft.profile.top_p_maximum_allowed else FOUND


def _seed(draft: Draft) -> Params | None:
    value = draft.parameters.get("seed")
    return FOUND if value is not None and not 0 <= value <= draft.profile.seed_maximum else None


def _thinking_budget(draft: Draft) -> Params | None:
    budget, limit = draft.parameters.get("thinking_budget"), draft.model.max_cot
    if budget is None or limit is None:
        return None
    return {"max": limit} if not 1 <= budget <= limit else None


def _budget_exceeds(draft: Draft) -> Params | None:
    budget, limit = draft.parameters.get("thinking_budget"), draft.parameters.get("max_completion_tokens")
    if budget is None or limit is None or not draft.thinking or limit > budget:
        return None
    return {"max_completion_tokens": limit, "thinking_budget": budget}


BY_MODEL = (
    Rule("InvalidParameter/max-tokens-range", _max_tokens),
    Rule("InvalidParameter/max-tokens-range", _max_completion_tokens),
    Rule("InvalidParameter/temperature-range", _temperature),
    Rule("InvalidParameter/top-p-range", _top_p),
    Rule("InvalidParameter/seed-range", _seed),
    Rule("InvalidParameter/thinking-budget-range", _thinking_budget),
    Rule("InvalidParameter/budget-exceeds-max-completion", _budget_exceeds),
)
