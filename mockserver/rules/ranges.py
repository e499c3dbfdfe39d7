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


def _range(name: str, low: float, high: float) -> When:
    """Both bounds are allowed."""
    return _outside(name, lambda value: low <= value <= high)


def _mixed_stop(draft: Draft) -> Params | None:
    stop = draft.parameters.get("stop")
    return None if stop is None or isinstance(stop, str) or _is_homogeneous(stop) else FOUND


def _is_homogeneous(stop: Any) -> bool:
    if not isinstance(stop, list):
        return False
    if stop and all(isinstance(element, list) for element in stop):
        return all(_is_token(token) for element in stop for token in element)
    return all(isinstance(element, str) for element in stop) or all(_is_token(element) for element in stop)


def _is_token(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


FIXED = (
    Rule("InvalidParameter/repetition-penalty-range", _outside("repetition_penalty", lambda value: value > 0)),
    Rule(
        "InvalidParameter/presence-penalty-range",
        _range("presence_penalty", -2, 2),
    ),
    Rule("InvalidParameter/top-k-range", _outside("top_k", lambda value: value >= 0)),
    Rule("InvalidParameter/n-range", _range("n", 1, 4)),
    Rule("InvalidParameter/top-logprobs-range", _range("top_logprobs", 0, 5)),
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


_HOTTEST = 2.0


def _temperature(draft: Draft) -> Params | None:
    value = draft.parameters.get("temperature")
    if value is None or 0 <= value < _HOTTEST:
        return None
    closed = draft.dialect == "native" and draft.profile.temperature_maximum_allowed
    return None if closed and value == _HOTTEST else FOUND


def _top_p(draft: Draft) -> Params | None:
    value = draft.parameters.get("top_p")
    if value is None or 0 < value < 1:
        return None
    return None if value == 1 and draft.profile.top_p_maximum_allowed else FOUND


def _seed(draft: Draft) -> Params | None:
    value = draft.parameters.get("seed")
    return FOUND if value is not None and not 0 <= value <= draft.profile.seed_maximum else None


def _no_budget(draft: Draft) -> Params | None:
    """The native dialect's own text; the compatible one has it for models whose limit is not known."""
    told = draft.dialect == "native" or draft.model.max_cot is None
    return FOUND if told and draft.parameters.get("thinking_budget", 1) < 1 else None


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
    Rule("InvalidParameter/thinking-budget-positive", _no_budget),
    Rule("InvalidParameter/thinking-budget-range", _thinking_budget),
    Rule("InvalidParameter/budget-exceeds-max-completion", _budget_exceeds),
)
