"""Whether an error can be one of the catalogue: its status and code, and a message that fits a template."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any

from mockserver import errors, resources
from mockserver.generation import Dialect
from mockserver.profiles import PROFILES

HOLE = "\0"


def is_catalogued(dialect: Dialect, status: int | None, code: str | None, message: str) -> bool:
    """Whether an entry of the catalogue, in any profile, can produce such an error. `status` None: not told."""
    patterns = (
        pattern
        for (own_status, own_code), found in producible(dialect).items()
        if own_code == code and status in (None, own_status)
        for pattern in found
    )
    return any(pattern.fullmatch(message) for pattern in patterns)


@cache
def producible(dialect: Dialect) -> Mapping[tuple[int, str | None], list[re.Pattern[str]]]:
    """Every message there is, by status and code."""
    found: dict[tuple[int, str | None], list[re.Pattern[str]]] = {}
    for (form, text), name in _forms(dialect):
        hole = _fragments(dialect) if name == "InvalidParameter/validation" else ".*"
        pattern = re.compile(hole.join(map(re.escape, text.split(HOLE))), re.DOTALL)
        found.setdefault((form.status, _code(form)), []).append(pattern)
    return found


Form = errors.NativeForm | errors.CompatibleForm


def _forms(dialect: Dialect) -> Iterator[tuple[tuple[Form, str], str]]:
    """Each entry's form and its text with holes in it, in every profile, with its prefix and without."""
    form_of: Any = errors.native_form if dialect == "native" else errors.compatible_form
    for (name, entry), profile in product(errors.catalogue().items(), PROFILES.values()):
        form = form_of(entry, profile)
        holes = dict.fromkeys(entry.example, HOLE)
        for prefixed in (True, False):
            yield (form, errors.text(form, holes, profile, prefixed=prefixed)), name


def _code(form: Form) -> str | None:
    """The code on the wire: a body that cannot be read is refused without one."""
    return None if getattr(form, "shape", "") == "body" else form.code


def _fragments(dialect: Dialect) -> str:
    """What a validator can say: its texts, joined."""
    texts = resources.load("fixtures", "errors.json")["texts"][dialect]
    spoken = [text["message"] for key, text in texts.items() if key not in ("prefix", "joiner")]
    each = "|".join(".*".join(map(re.escape, re.split(r"\{[a-z]+\}", text))) for text in spoken)
    return f"(?:{each})(?:{re.escape(texts['joiner']['message'])}(?:{each}))*"
