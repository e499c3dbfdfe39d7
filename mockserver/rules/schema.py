"""The schema layer in front of the compatible engine, as far as it is more than types."""

from mockserver.dialects.draft import Draft
from mockserver.rules.rule import FOUND, Params, Rule

ROLES = ("system", "assistant", "user", "tool", "function")


def _negative_seed(draft: Draft) -> Params | None:
    seed = draft.parameters.get("seed")
    return {"value": seed} if seed is not None and seed < 0 else None


def _no_messages(draft: Draft) -> Params | None:
    return FOUND if draft.given_messages and not draft.messages else None


def _role_enum(draft: Draft) -> Params | None:
    for index, message in enumerate(draft.messages):
        role = message.get("role")
        if role not in ROLES:
            return {"role": "null" if role is None else role, "index": index}
    return None


RULES = (
    Rule("InvalidParameter/seed-minimum", _negative_seed),
    Rule("InvalidParameter/messages-too-short", _no_messages),
    Rule("InvalidParameter/role-enum", _role_enum),
)
