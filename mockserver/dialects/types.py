"""The types of parameters, as the service's two validators see them.

The native dialect is validated by pydantic in its lax mode: `"0.5"` is a number, `"yes"` a boolean, `3.0` an integer; and
what cannot be read so is told by a fragment for each field, all joined (recorded texts, 2025 and later). The compatible
dialect has a schema layer in front that takes JSON types literally and stops at the first it refuses.

Only requests that the compiled schema did not accept come here. A reader returns the value, maybe coerced, or raises
`Mismatch` with the keys of the fragments in `fixtures/errors.json`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mockserver.dialects.draft import Json
from mockserver.errors import ApiError, validator_text

Fragment = tuple[str, str]
"""A key of the catalogue's validator texts and the path below the parameter (empty: the parameter itself)."""

TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
FALSE = frozenset({"0", "false", "f", "no", "n", "off"})


class Mismatch(Exception):  # noqa: N818 - not an error of the program: a finding about a value
    """A value is not of its type. Carries one or more fragments."""

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
        try:
            return int(value)
        except ValueError:
            raise Mismatch(("integer_parsing", "")) from None
    raise Mismatch(("integer", ""))


def boolean(value: Any) -> bool:
    """A boolean, or a number or word that reads as one."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float, str)):
        word = value.strip().lower() if isinstance(value, str) else str(int(value)) if value in (0, 1) else ""
        if word in TRUE or word in FALSE:
            return word in TRUE
        raise Mismatch(("boolean_parsing", ""))
    raise Mismatch(("boolean", ""))


def string(value: Any) -> str:
    """Text, and nothing else."""
    if not isinstance(value, str):
        raise Mismatch(("string", ""))
    return value


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
    """A word, or an object that names a function."""
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
    elif "name" not in tool["function"]:
        yield "required", f"{path}.function.name"
    elif not isinstance(tool["function"]["name"], str):
        yield "string", f"{path}.function.name"


READERS: Mapping[str, Reader] = {
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
    "result_format": string,
    "incremental_output": boolean,
    "enable_thinking": boolean,
    "enable_search": boolean,
    "enable_code_interpreter": boolean,
    "logprobs": boolean,
    "parallel_tool_calls": boolean,
    "stop": stop,
    "tools": tools,
    "tool_choice": tool_choice,
    "response_format": mapping,
    "search_options": mapping,
}
"""Every parameter whose type is checked, in the order in which mismatches are told."""

LITERAL: Mapping[Reader, tuple[type, ...]] = {
    number: (int, float),
    integer: (int,),
    boolean: (bool,),
    string: (str,),
}
"""JSON types that the compatible schema layer accepts as they stand."""

COMPATIBLE_ONLY: Mapping[str, Reader] = {"stream": boolean, "stream_options": mapping}


def read_native(parameters: Json) -> Json:
    """The parameters with their types put right.

    Raises:
        ApiError: `InvalidParameter/validation`, with one fragment for every mismatch, joined.
    """
    values = dict(parameters)
    fragments: list[str] = []
    for name, reader in READERS.items():
        if name in values:
            try:
                values[name] = reader(values[name])
            except Mismatch as mismatch:
                fragments += [
                    validator_text("native", key, path=".".join(filter(None, ("parameters", name, below))))
                    for key, below in mismatch.fragments
                ]
    refuse(fragments)
    return values


def read_compatible(parameters: Json) -> Json:
    """The parameters, unchanged: JSON types are taken literally here.

    Raises:
        ApiError: the answer of the schema layer to the first mismatch.
    """
    for name, reader in {**READERS, **COMPATIBLE_ONLY}.items():
        if name in parameters:
            _literal(name, reader, parameters[name])
    return parameters


def _literal(name: str, reader: Reader, value: Any) -> None:
    accepted = LITERAL.get(reader)
    if accepted is not None:
        if not isinstance(value, accepted) or (isinstance(value, bool) and bool not in accepted):
            raise ApiError("InvalidParameter/validation", details=validator_text("compatible", reader.__name__, name=name))
        return
    try:
        reader(value)
    except Mismatch as mismatch:
        key, below = mismatch.fragments[0]
        if name == "tools" and below.endswith(".function"):
            raise ApiError("InvalidParameter/tool-function-required", index=below.partition(".")[0]) from None
        path = ".".join(filter(None, (name, below)))
        raise ApiError("InvalidParameter/validation", details=validator_text("compatible", key, name=path)) from None


MESSAGE_FIELDS: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "role": ("string", (str,)),
    "content": ("string", (str, list)),
    "name": ("string", (str,)),
    "tool_call_id": ("string", (str,)),
    "reasoning_content": ("string", (str,)),
    "tool_calls": ("list", (list,)),
}
CALL_FIELDS: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "id": ("string", (str,)),
    "function": ("dictionary", (dict,)),
}
FUNCTION_FIELDS: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "name": ("string", (str,)),
    "arguments": ("string", (str,)),
}


def message_mismatches(path: str, messages: Any) -> Iterator[Fragment]:
    """Everything in an array of messages that is not of its type. Roles and missing fields are left to the rules."""
    if not isinstance(messages, list):
        yield "list", path
        return
    for index, message in enumerate(messages):
        below = f"{path}.{index}"
        if not isinstance(message, Mapping):
            yield "message", below
            continue
        yield from _fields(below, message, MESSAGE_FIELDS)
        calls = message.get("tool_calls")
        for place, call in enumerate(calls if isinstance(calls, list) else ()):
            yield from _call(f"{below}.tool_calls.{place}", call)


def history_mismatches(path: str, history: Any) -> Iterator[Fragment]:
    """Everything in the deprecated `history` that is not of its type."""
    if not isinstance(history, list):
        yield "list", path
        return
    for index, turn in enumerate(history):
        if isinstance(turn, Mapping):
            yield from _fields(f"{path}.{index}", turn, {"user": ("string", (str,)), "bot": ("string", (str,))})
        else:
            yield "dictionary", f"{path}.{index}"


def _call(path: str, call: Any) -> Iterator[Fragment]:
    if not isinstance(call, Mapping):
        yield "dictionary", path
        return
    yield from _fields(path, call, CALL_FIELDS)
    if isinstance(call.get("function"), Mapping):
        yield from _fields(f"{path}.function", call["function"], FUNCTION_FIELDS)


def _fields(path: str, value: Json, types: Mapping[str, tuple[str, tuple[type, ...]]]) -> Iterator[Fragment]:
    for name, (key, accepted) in types.items():
        if value.get(name) is not None and not isinstance(value[name], accepted):
            yield key, f"{path}.{name}"


def refuse_native(mismatches: Iterable[Fragment]) -> None:
    """Raises `InvalidParameter/validation` with the text of every mismatch, joined; nothing if there are none."""
    refuse([validator_text("native", key, path=path) for key, path in mismatches])


def refuse_compatible(mismatches: Iterable[Fragment]) -> None:
    """Raises `InvalidParameter/validation` with the text of the first mismatch; nothing if there are none."""
    for key, path in mismatches:
        raise ApiError("InvalidParameter/validation", details=validator_text("compatible", key, name=path))


def refuse(fragments: list[str]) -> None:
    """Raises `InvalidParameter/validation` with all fragments, unless there are none."""
    if fragments:
        raise ApiError("InvalidParameter/validation", details=validator_text("native", "joiner").join(fragments))
