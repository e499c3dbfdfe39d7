"""The JSON Schemas of `schemas/`: what a message may look like.

    names, document     what there is, and one schema as written
    accepts             the fast answer, for every request: yes or no in microseconds (jsonschema-rs)
    explain             the slow answer, for a refused one: what is wrong where, in plain words (jsonschema)
    write_all           a copy of all files, for use without this project

A name is the path of a file without its ending, as in `native/generation-request`. Files refer to each other
by relative `$ref`; all of them are registered under one base address, so nothing is ever fetched.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from mockserver import resources

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

__all__ = ["Breach", "UnknownSchema", "accepts", "document", "explain", "names", "write_all"]

BASE = "https://dashscope-mock.dev/schemas/"
_DEEPEST = 24
_LARGEST = 2**256
_SHOWN = 60


class UnknownSchema(LookupError):  # noqa: N818 - a lookup that found nothing, named like its cause
    """No schema has that name. The text proposes names that are close."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that is wrong. `path` is a JSON pointer into the message, `message` a sentence about it."""

    path: str
    message: str
    keyword: str
    schema_path: str


@cache
def _files() -> Mapping[str, Path]:
    root = resources.path("schemas")
    return {path.relative_to(root).with_suffix("").as_posix(): path for path in sorted(root.rglob("*.json"))}


def names() -> list[str]:
    """The names of all schemas, sorted."""
    return sorted(_files())


def document(name: str) -> dict[str, Any]:
    """One schema as written. Shared: callers must not change it.

    Raises:
        UnknownSchema: there is no schema of that name.
    """
    if name not in _files():
        close = get_close_matches(name, _files(), n=3)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        raise UnknownSchema(f"There is no schema named {name!r}.{hint}")
    found: dict[str, Any] = resources.load("schemas", f"{name}.json")
    return found


def accepts(name: str, instance: Any) -> bool:
    """Whether a message, as parsed from JSON, satisfies a schema."""
    return _compiled(name).is_valid(instance)


@cache
def _compiled(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        document(name),
        registry=_registry(),
        base_uri=f"{BASE}{name}.json",
        validate_formats=False,
        offline=True,
    )


@cache
def _registry() -> jsonschema_rs.Registry:
    resources_by_uri = [(f"{BASE}{name}.json", document(name)) for name in names()]
    return jsonschema_rs.Registry(resources_by_uri, draft=jsonschema_rs.Draft202012)


def explain(name: str, instance: Any) -> list[Breach]:
    """Everything that is wrong with a message, in the order of its paths; empty exactly when `accepts`."""
    errors = sorted(_explainer(name).iter_errors(_bounded(instance)), key=lambda error: list(error.absolute_path))
    return list({(breach.path, breach.message): breach for breach in map(_breach, errors)}.values())


@cache
def _explainer(name: str) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and only a refused message needs it
    from referencing import Registry  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

    resources_by_uri = [(f"{BASE}{each}.json", DRAFT202012.create_resource(document(each))) for each in names()]
    registry = Registry[Any]().with_resources(resources_by_uri)
    return Draft202012Validator({"$ref": f"{BASE}{name}.json"}, registry=registry)


def _bounded(value: Any, depth: int = 0) -> Any:
    """The value without what lies deeper than any schema looks, and without numbers too long to print."""
    match value:
        case dict():
            return {k: _bounded(v, depth + 1) for k, v in value.items()} if depth < _DEEPEST else {}
        case list():
            return [_bounded(v, depth + 1) for v in value] if depth < _DEEPEST else []
        case int() if abs(value) > _LARGEST:
            return _LARGEST if value > 0 else -_LARGEST
        case _:
            return value


def _breach(error: "ValidationError") -> Breach:
    path = list(error.absolute_path)
    schema_path = [part for part in error.absolute_schema_path if part != "$ref"]
    keyword = str(error.validator)
    say = _SENTENCES.get(keyword, lambda value, rule: f"is {_shown(value)}; the rule is {keyword} {_shown(rule)}")
    sentence = say(error.instance, _rule(error))
    return Breach(_pointer(path), f"{_place(path)} {sentence}.", keyword, _pointer(schema_path))


def _rule(error: "ValidationError") -> Any:
    """What the keyword asks for; of `additionalProperties`, the names that are allowed."""
    if error.validator == "additionalProperties" and isinstance(error.schema, Mapping):
        return error.schema.get("properties", {})
    return error.validator_value


def _pointer(parts: list[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _place(parts: list[str | int]) -> str:
    """A path as people write it: `input.messages[0].role`."""
    words = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return words.removeprefix(".") or "The message"


_KINDS = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def _shown(value: Any) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return "a list" if value else "an empty list"
        case _:
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _joined(words: Iterable[str], joiner: str) -> str:
    *first, last = words
    return f"{', '.join(first)} {joiner} {last}" if first else last


def _quoted(names: Iterable[str]) -> str:
    return _joined((f"`{name}`" for name in names), "and")


def _type(value: Any, rule: str | list[str]) -> str:
    kinds = [rule] if isinstance(rule, str) else rule
    return f"is {_shown(value)}; it must be {_joined((_KINDS[kind] for kind in kinds), 'or')}"


def _enum(value: Any, rule: list[Any]) -> str:
    return f"is {_shown(value)}; it must be {_joined(map(_shown, rule), 'or')}"


def _required(value: dict[str, Any], rule: list[str]) -> str:
    return f"lacks {_quoted(name for name in rule if name not in value)}"


def _dependent(value: dict[str, Any], rule: dict[str, list[str]]) -> str:
    wanted = {name for key, names in rule.items() if key in value for name in names}
    return f"lacks {_quoted(sorted(wanted - set(value)))}"


def _closed(value: dict[str, Any], rule: Mapping[str, Any]) -> str:
    return f"has {_quoted(name for name in value if name not in rule)}, which must not be there"


def _bound(words: str) -> Callable[[Any, Any], str]:
    return lambda value, rule: f"is {_shown(value)}; it must be {words} {_shown(rule)}"


def _size(words: str) -> Callable[[Any, Any], str]:
    return lambda value, rule: f"has {len(value)} {words} {rule}"


_SENTENCES: Mapping[str, Callable[[Any, Any], str]] = {
    "type": _type,
    "enum": _enum,
    "const": _bound("exactly"),
    "required": _required,
    "dependentRequired": _dependent,
    "additionalProperties": _closed,
    "minimum": _bound("at least"),
    "maximum": _bound("at most"),
    "exclusiveMinimum": _bound("more than"),
    "exclusiveMaximum": _bound("less than"),
    "minItems": _size("items; the least is"),
    "maxItems": _size("items; the most is"),
    "minLength": _size("characters; the least is"),
    "maxLength": _size("characters; the most is"),
    "minProperties": _size("fields; the least is"),
    "pattern": lambda value, rule: f"is {_shown(value)}; it must match the pattern {rule}",
}


def write_all(folder: Path) -> list[Path]:
    """Copy every schema below a folder, made if need be. Returns the files written, sorted by name."""
    return [_copy(source, folder / f"{name}.json") for name, source in _files().items()]


def _copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target
