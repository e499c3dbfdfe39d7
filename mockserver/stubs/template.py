"""Replies as templates over the request: `你问的是 {{ last_user }}` (Jinja2).

The language is cut down to what a reply needs, so that a template can neither escape nor exhaust the server:
values, dots and indexes, filters from a list, comparisons, `if`, and one level of `for`. There are no calls,
no assignments, no macros and no multiplication, hence nothing grows faster than the template is long; what
is left that could multiply (`replace`, `join`) is measured before it is done. The output is bounded as well.
A template is checked when the stub is made. Below all this lies Jinja2's own immutable sandbox.

The names are the fields of the view: `model`, `last_user`, `messages`, `turn`, `tools`, `tool_results`,
`headers`, `body`, `stream`, `endpoint`, `dialect`, `method`, `path`, `key`. A name that is not there is an error.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from mockserver.stubs.stub import CallSpec, ReplySpec, StubError
from mockserver.stubs.view import View

if TYPE_CHECKING:
    from jinja2 import Template, nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

__all__ = ["check", "fill", "render"]

LONGEST_TEMPLATE = 10_000
LONGEST_OUTPUT = 1_000_000
MOST_ROUNDS = 1_000
_SHOWN = 60
# fmt: off
_FILTERS = [
    "abs", "capitalize", "count", "d", "default", "first", "float", "int", "items", "last", "length", "list",
    "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "string", "title",
    "trim", "truncate", "unique", "upper",
]
_NODES = frozenset({
    "Add", "And", "Compare", "Concat", "CondExpr", "Const", "Dict", "Div", "Filter", "FloorDiv", "For", "Getattr",
    "Getitem", "If", "Keyword", "List", "Name", "Neg", "Not", "Operand", "Or", "Output", "Pair", "Pos", "Slice",
    "Sub", "Template", "TemplateData", "Test", "Tuple",
})
# fmt: on
_NAMES = frozenset(each.name for each in fields(View))


def render(text: str, view: View) -> str:
    """The text of a template for one request.

    Raises:
        StubError: the template is outside the language, fails on this request, or gives too much.
    """
    from jinja2 import TemplateError  # noqa: PLC0415 - jinja2 is for those who use templates

    template = _compiled(text)
    names = {name: getattr(view, name) for name in _NAMES}
    try:
        return "".join(_bounded(template.generate(names)))
    except StubError:
        raise
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, RecursionError) as error:
        raise StubError(f"the template {_cut(text)} failed: {error}") from error


def fill(reply: ReplySpec, view: View) -> ReplySpec:
    """A reply with every template rendered. Raises `StubError` as `render`."""
    if not reply.template:
        return reply

    def filled(text: str) -> str:
        return render(text, view)

    return _mapped(replace(reply, template=False), filled)


def check(reply: ReplySpec) -> None:
    """Refuse a reply with a text that is no template, with `StubError`."""

    def checked(text: str) -> str:
        _compiled(text)
        return text

    _mapped(reply, checked, as_checked=True)


def _mapped(reply: ReplySpec, change: Callable[[str], str], *, as_checked: bool = False) -> ReplySpec:
    """The reply with every text that may be a template changed."""
    parts = {
        "text": _walk(reply.text, change),
        "chunks": _walk(reply.chunks, change),
        "reasoning": _walk(reply.reasoning, change),
        "tool_calls": tuple(_call(each, change) for each in reply.tool_calls),
        "headers": _walk(reply.headers, change),
        "body": _walk(reply.body, change),
    }
    return reply if as_checked else replace(reply, **parts)


def _call(call: CallSpec, change: Callable[[str], str]) -> CallSpec:
    return replace(call, name=change(call.name), arguments=_walk(call.arguments, change))


def _walk(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case tuple():
            return tuple(_walk(each, change) for each in value)
        case list():
            return [_walk(each, change) for each in value]
        case Mapping():
            return {key: _walk(each, change) for key, each in value.items()}
        case _:
            return value


def _bounded(pieces: Iterator[str]) -> Iterator[str]:
    length = 0
    for piece in pieces:
        length += len(piece)
        _check_length(length)
        yield piece


def _check_length(length: int) -> None:
    if length > LONGEST_OUTPUT:
        raise StubError(f"a template gives at most {LONGEST_OUTPUT} characters")


@lru_cache(maxsize=256)
def _compiled(text: str) -> "Template":
    from jinja2 import TemplateError  # noqa: PLC0415

    if len(text) > LONGEST_TEMPLATE:
        raise StubError(f"a template has at most {LONGEST_TEMPLATE} characters")
    try:
        tree = _environment().parse(text)
        problem = next(_problems(tree), None)
        if problem is None:
            return _environment().from_string(_limited(tree))
    except (TemplateError, RecursionError, SyntaxError, ValueError, MemoryError) as error:
        raise StubError(f"{_cut(text)} is no template: {error}") from error
    raise StubError(f"{_cut(text)}: {problem}")


def _problems(tree: "nodes.Template") -> Iterator[str]:
    """What in a template lies outside the language."""
    from jinja2 import nodes  # noqa: PLC0415

    bound = {"loop", *(name.name for name in tree.find_all(nodes.Name) if name.ctx == "store")}
    for node in tree.find_all(nodes.Node):
        kind = type(node).__name__
        if kind not in _NODES:
            yield f"a template here has no {kind} (line {node.lineno})"
        if isinstance(node, nodes.Name) and node.name not in _NAMES | bound:
            yield f"there is no {node.name!r}; there are {', '.join(sorted(_NAMES))}"
        if isinstance(node, nodes.For) and node.find(nodes.For):
            yield f"a loop stands within a loop (line {node.lineno})"


def _limited(tree: "nodes.Template") -> "nodes.Template":
    """The tree with every loop counted before it starts."""
    from jinja2 import nodes  # noqa: PLC0415

    for loop in list(tree.find_all(nodes.For)):
        loop.iter = nodes.Filter(loop.iter, "few", [], [], None, None, lineno=loop.lineno)
    return tree.set_environment(_environment())  # type: ignore[return-value]


@cache
def _environment() -> "ImmutableSandboxedEnvironment":
    from jinja2 import StrictUndefined  # noqa: PLC0415
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    own: dict[str, Callable[..., Any]] = {"join": _join, "replace": _replace, "tojson": _tojson, "few": _few}
    environment.filters = {name: environment.filters[name] for name in _FILTERS} | own
    environment.globals.clear()
    return environment


def _few(items: Any) -> list[Any]:
    found = list(items)
    if len(found) > MOST_ROUNDS:
        raise StubError(f"a loop goes over at most {MOST_ROUNDS} items, not {len(found)}")
    return found


def _join(items: Any, between: str = "") -> str:
    texts = [str(each) for each in items]
    _check_length(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def _replace(text: str, old: str, new: str) -> str:
    _check_length(len(text) + len(new) * text.count(old))
    return text.replace(old, new)


def _tojson(value: Any) -> str:
    """JSON as the service writes it: compact, with its own letters."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _cut(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
