"""What a matcher, a template and a predicate see of a request.

The view is lenient: it is taken from the raw body before anything is validated, so it finds what it can in
either dialect and never raises. What is missing is None or empty.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.generation import Dialect


@dataclass(frozen=True, slots=True)
class View:
    """One request. `messages` are as the client sent them; `last_user` is the text of the last user message.

    `tools` are the names of the functions on offer; `tool_results` the texts of the tools that have answered
    since the last user message; `turn` is the number of user messages. `headers` are by lower-case name;
    `body` is the parsed JSON or None; `key` is the API key, masked.
    """

    endpoint: str = "generation"
    dialect: Dialect = "native"
    method: str = "POST"
    path: str = ""
    model: str | None = None
    stream: bool = False
    messages: tuple[Mapping[str, Any], ...] = ()
    last_user: str = ""
    tools: tuple[str, ...] = ()
    tool_results: tuple[str, ...] = ()
    turn: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    key: str = ""


def view_of(  # noqa: PLR0913 - the parts of a request
    body: Any,
    *,
    endpoint: str,
    dialect: Dialect,
    stream: bool,
    method: str = "POST",
    path: str = "",
    headers: Mapping[str, str] | None = None,
    key: str = "",
) -> View:
    """The view of a request. Takes any body: parsed JSON, or None where there is none."""
    root = body if isinstance(body, dict) else {}
    messages = tuple(messages_in(root))
    users = [at for at, message in enumerate(messages) if message.get("role") == "user"]
    last = users[-1] if users else -1
    return View(
        endpoint=endpoint,
        dialect=dialect,
        method=method,
        path=path,
        model=root["model"] if isinstance(root.get("model"), str) else None,
        stream=stream,
        messages=messages,
        last_user=text_of(messages[last]) if users else "",
        tools=tuple(_tools(root)),
        tool_results=tuple(text_of(each) for each in messages[last + 1 :] if each.get("role") == "tool"),
        turn=len(users),
        headers={} if headers is None else headers,
        body=body,
        key=key,
    )


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message: its content, or the texts of its parts one after the other."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def messages_in(root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The messages of either dialect; a native prompt counts as one of the user."""
    given = _object(root, "input")
    found = root.get("messages", given.get("messages"))
    yield from (each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()
    if not found and isinstance(given.get("prompt"), str):
        yield {"role": "user", "content": given["prompt"]}


def _tools(root: Mapping[str, Any]) -> Iterator[str]:
    found = root.get("tools", _object(root, "parameters").get("tools"))
    for tool in found if isinstance(found, list) else ():
        name = _object(tool, "function").get("name") if isinstance(tool, dict) else None
        if isinstance(name, str):
            yield name


def _object(root: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = root.get(key)
    return found if isinstance(found, dict) else {}
