"""The rules of the service: what a request of the right types may not say, and what is answered then.

A rule is a row of a table: the catalogue error, and when it applies. The tables stand in the order in which
the service looks: the gateway (streams and thinking), ranges, what the model supports, combinations,
messages. The first rule that applies answers; the order within a layer is inferred, not recorded.

Ranges that do not depend on the model are part of the request schemas too, and are skipped for a body that
the compiled schema has accepted; `tests/rules` proves that both say the same.
"""

from mockserver.dialects.draft import Draft
from mockserver.rules import gateway, messages, ranges, schema, support
from mockserver.rules.rule import apply

__all__ = ["judge", "judge_gateway", "judge_schema"]


def judge_gateway(draft: Draft) -> None:
    """The checks that come before types are looked at.

    Raises:
        ApiError: the service's answer to the first rule that the draft breaks.
    """
    apply(gateway.RULES, draft)


def judge_schema(draft: Draft) -> None:
    """What the compatible dialect's schema layer refuses besides types.

    Raises:
        ApiError: the answer to the first rule that the draft breaks.
    """
    apply(schema.RULES, draft)


def judge(draft: Draft) -> None:
    """Accepts a draft or refuses it.

    Raises:
        ApiError: the service's answer to the first rule that the draft breaks.
    """
    if not draft.judged:
        apply(ranges.FIXED, draft)
    apply(ranges.BY_MODEL, draft)
    apply(support.RULES, draft)
    apply(messages.RULES, draft)
