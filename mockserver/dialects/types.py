"""The types of parameters, as the service's two validators see them.

The native dialect is validated by pydantic in its lax mode: `"0.5"` is a number, `"yes"` a boolean, `3.0`
an integer; what cannot be read so is told by a fragment for each field, all joined (recorded texts, 2025
and later). The compatible dialect has a schema layer in front that takes JSON types literally and stops at
the first it refuses.

Only requests that the compiled schema did not accept come here. A reader returns the value, maybe coerced, or
raises `Mismatch` with the keys of the fragments in `fixtures/errors.json`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mockserver.dialects.draft import Json
from mockserver.dialects.message_types import Fragment
from mockserver.errors import ApiError, validator_text

TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
FALSE = frozenset({"0", "false", "f", "no", "n", "off"})


class Mismatch(Exception):  # noqa: N818 - not an error of the program: a finding about a value
    """A value is not of its type. Carries fragments, with paths below the value (empty: the value itself)."""

    def __init__(self, *fragments: Fragment) -> None:
        super().__init__(fragments)
        self.fragments = fragments


Reader = Callable[[Any], Any]


def number(value: Any) -> float:
    """A number, or text that reads as one."""
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            raise Mismatch(("number_parsing", "")) from None
    raise Mismatch(("number", ""))


def integer(value: Any) -> int:
    """An integer, a float without a fraction, or text that reads as one of them."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not value.is_integer():
            raise Mismatch(("integer_fraction", ""))
        return int(value)
    if isinstance(value, str):
        whole, point, fraction = value.partition(".")
        try:
            return int(whole if point and not fraction.strip("0") else value)
        except ValueError:
            raise Mismatch(("integer_parsing", "")) from None
    raise Mismatch(("integer", ""))


def boolean(value: Any) -> bool:
    """A boolean, or a number or word that reads as one."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float, str)):
        word = value.lower() if isinstance(value, str) else str(int(value)) if value in (0, 1) else ""
        if word in TRUE or word in FALSE:
            return word in TRUE
        raise Mismatch(("boolean_parsing", ""))
    raise Mismatch(("boolean", ""))


def string(value: Any) -> str:
    """Text, and nothing else."""
    if not isinstance(value, str):
        raise Mismatch(("string", ""))
    return value


def result_format(value: Any) -> str:
    """One of two words."""
    if string(value) not in ("text", "message"):
        raise Mismatch(("literal", ""))
    return string(value)


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise Mismatch(("dictionary", ""))
    return value


def array(value: Any) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise Mismatch(("list", ""))
    return value


def stop(value: Any) -> str | list[Any]:
    """Text or an array; what the array may hold is a rule of the engine, not a type."""
    if isinstance(value, (str, list)):
        return value
    raise Mismatch(("list", "list[any]"), ("string", "str"))


def tool_choice(value: Any) -> Any:
    """A word, or an object that names a function. Which words there are is a rule of the engine."""
    if isinstance(value, str):
        return value
    function = value.get("function") if isinstance(value, Mapping) else None
    if function is None:
        raise Mismatch(("string", "str"), ("required", "ToolChoice.function"))
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise Mismatch(("string", "str"), ("required", "ToolChoice.function.name"))
    return value


def tools(value: Any) -> list[Any]:
    """An array of functions with names."""
    fragments = [fragment for index, tool in enumerate(array(value)) for fragment in _tool(str(index), tool)]
    if fragments:
        raise Mismatch(*fragments)
    return list(value)


def _tool(path: str, tool: Any) -> Iterator[Fragment]:
    if not isinstance(tool, Mapping):
        yield "dictionary", path
    elif "function" not in tool:
        yield "required", f"{path}.function"
    elif not isinstance(tool["function"], Mapping):
        yield "dictionary", f"{path}.function"
    else:
        yield from _function(f"{path}.function", tool["function"])


def _function(path: str, function: Json) -> Iterator[Fragment]:
    if function.get("name", "") == "":
        yield "required", f"{path}.name"
    elif not isinstance(function["name"], str):
        yield "string", f"{path}.name"
    if not isinstance(function.get("description"), (str, type(None))):
        yield "string", f"{path}.description"


def response_format(value: Any) -> Any:
    """An object whose schema is one; that it must be an object with a known type is a rule of the engine."""
    if isinstance(value, Mapping) and value.get("type") == "json_schema":
        wrapper = value.get("json_schema")
        if wrapper is None:
            raise Mismatch(("required", "json_schema"))
        if not isinstance(wrapper, Mapping):
            raise Mismatch(("dictionary", "json_schema"))
        if not isinstance(wrapper.get("schema", {}), Mapping):
            raise Mismatch(("dictionary", "json_schema.schema"))
    return value


SHARED: Mapping[str, Reader] = {
    "temperature": number,
    "top_p": number,
    "repetition_penalty": number,
    "presence_penalty": number,
    "top_k": integer,
    "seed": integer,
    "max_tokens": integer,
    "max_completion_tokens": integer,
    "max_input_tokens": integer,
    "n": integer,
    "top_logprobs": integer,
    "thinking_budget": integer,
    "enable_thinking": boolean,
    "enable_search": boolean,
    "enable_code_interpreter": boolean,
    "logprobs": boolean,
    "parallel_tool_calls": boolean,
    "tools": tools,
    "response_format": response_format,
    "search_options": mapping,
}
"""Parameters of both dialects whose type is checked, in the order in which mismatches are told."""

NATIVE: Mapping[str, Reader] = {
    **SHARED,
    "result_format": result_format,
    "incremental_output": boolean,
    "stop": stop,
    "tool_choice": tool_choice,
}

_LITERAL: Mapping[Reader, tuple[type, ...]] = {
    number: (int, float),
    integer: (int,),
    boolean: (bool,),
    string: (str,),
}
"""JSON types that the compatible schema layer accepts as they stand."""


def _named_function(value: Any) -> Any:
    """An object must name a function; other values of `tool_choice` are left to the rules."""
    return tool_choice(value) if isinstance(value, Mapping) else value


COMPATIBLE: Mapping[str, Reader] = {
    **SHARED,
    "stream": boolean,
    "stream_options": mapping,
    "tool_choice": _named_function,
}


def whole_numbers(parameters: Json) -> Json:
    """`3.0` is an integer in JSON Schema and in pydantic, and so it is everywhere behind this."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() and SHARED.get(name) is integer else value
        for name, value in parameters.items()
    }


def read_native(parameters: Json) -> Json:
    """The parameters with their types put right.

    Raises:
        ApiError: `InvalidParameter/validation`, with one fragment for every mismatch, joined.
    """
    values = dict(parameters)
    fragments: list[Fragment] = []
    for name, reader in NATIVE.items():
        if name in values:
            try:
                values[name] = reader(values[name])
            except Mismatch as mismatch:
                fragments += [(key, _path("parameters", name, below)) for key, below in mismatch.fragments]
    refuse_native(fragments)
    return values


def read_compatible(parameters: Json) -> Json:
    """The parameters, unchanged: JSON types are taken literally here.

    Raises:
        ApiError: the answer of the schema layer to the first mismatch.
    """
    for name, reader in COMPATIBLE.items():
        if name in parameters:
            _read_literally(name, reader, parameters[name])
    return parameters


def _read_literally(name: str, reader: Reader, value: Any) -> None:
    accepted = _LITERAL.get(reader)
    if accepted is not None:
        if not isinstance(value, accepted) or (isinstance(value, bool) and bool not in accepted):
            refuse_compatible([(reader.__name__, name)])
        return
    try:
        reader(value)
    except Mismatch as mismatch:
        key, below = mismatch.fragments[-1]
        if name == "tools" and key == "required" and below.endswith(".function"):
            raise ApiError("InvalidParameter/tool-function-required", index=below.partition(".")[0]) from None
        refuse_compatible([(key, below.rpartition(".")[2] if key == "required" else _path(name, below))])


_FORMATS = "'text' or 'message'"
"""What `literal` allows: only `result_format` is one."""


def _path(*parts: str) -> str:
    return ".".join(filter(None, parts))


def refuse_native(mismatches: Iterable[Fragment]) -> None:
    """Nothing, if there are no mismatches.

    Raises:
        ApiError: `InvalidParameter/validation` with the text of every mismatch, joined.
    """
    texts = [validator_text("native", key, path=path, allowed=_FORMATS) for key, path in mismatches]
    if texts:
        raise ApiError("InvalidParameter/validation", details=validator_text("native", "joiner").join(texts))


def refuse_compatible(mismatches: Iterable[Fragment]) -> None:
    """Nothing, if there are no mismatches.

    Raises:
        ApiError: `InvalidParameter/validation` with the text of the first mismatch.
    """
    for key, path in mismatches:
        raise ApiError("InvalidParameter/validation", details=validator_text("compatible", key, name=path))
