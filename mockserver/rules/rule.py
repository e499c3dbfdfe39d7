"""A rule as a row: which error of the catalogue, and when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mockserver.dialects.draft import Draft
from mockserver.errors import ApiError

Params = Mapping[str, object]
When = Callable[[Draft], Params | None]
FOUND: Params = {}


@dataclass(frozen=True, slots=True)
class Rule:
    """`error` names the catalogue entry; `when` returns the values its message needs, or None if all is well.

    `dialect` limits the rule to one dialect.
    """

    error: str
    when: When
    dialect: str | None = None


def apply(rules: tuple[Rule, ...], draft: Draft) -> None:
    """Raises the error of the first rule that the draft breaks.

    Raises:
        ApiError: with the values that the message needs.
    """
    for rule in rules:
        if rule.dialect is None or rule.dialect == draft.dialect:
            found = rule.when(draft)
            if found is not None:
                raise ApiError(rule.error, **found)
