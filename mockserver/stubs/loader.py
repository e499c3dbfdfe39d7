"""Stub files: a folder of YAML and JSON, read whole, and watched.

Nothing is half loaded: every file is read and checked, and only if all of them are right do their stubs
replace those that run. Otherwise one `StubError` lists every problem with its file and line.

YAML is read with the core schema of version 1.2: `on` and `no` are texts, dates are texts, a key that stands
twice is an error. Files, nesting and what aliases unfold to are bounded.
"""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import Event, Thread
from typing import Any

from mockserver.stubs.document import from_file
from mockserver.stubs.stub import Stub, StubError

__all__ = ["Watcher", "load_folder"]

LARGEST_FILE = 1 << 20
MOST_VALUES = 100_000
DEEPEST = 50
ENDINGS = frozenset({".yaml", ".yml", ".json"})

logger = logging.getLogger("mockserver")


def load_folder(path: Path) -> tuple[Stub, ...]:
    """The stubs of all files below a folder (or of one file), in the order of their names.

    A stub without an id is called after its file and number: `retry.yaml#2`.

    Raises:
        StubError: something is wrong in at least one file. The text has a line for each problem.
    """
    if not path.exists():
        raise StubError(f"{path} does not exist")
    stubs: list[Stub] = []
    problems: list[str] = []
    for file in _files(path):
        name = file.name if path.is_file() else file.relative_to(path).as_posix()
        try:
            stubs += _load(file, name)
        except StubError as error:
            problems.append(str(error))
    problems += _twice(stubs)
    if problems:
        raise StubError("\n".join(problems))
    return tuple(stubs)


def _files(path: Path) -> list[Path]:
    found = [path] if path.is_file() else sorted(path.rglob("*"))
    hidden = (any(part.startswith(".") for part in file.relative_to(path).parts) for file in found)
    return [
        file for file, is_hidden in zip(found, hidden, strict=True)
        if file.is_file() and file.suffix.lower() in ENDINGS and not is_hidden
    ]  # fmt: skip


def _load(file: Path, name: str) -> list[Stub]:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise StubError(f"{name}: the file is larger than {LARGEST_FILE} bytes")
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StubError(f"{name}: {error}") from error
    content = _parsed(text, name)
    try:
        stubs = from_file(content)
    except StubError as error:
        raise StubError(f"{name}{_line(text, error.path)}: {error}") from error
    return [stub if stub.id else replace(stub, id=f"{name}#{at}") for at, stub in enumerate(stubs, 1)]


def _twice(stubs: list[Stub]) -> list[str]:
    ids = [stub.id for stub in stubs]
    return [f"the id {each!r} stands twice" for each in sorted({each for each in ids if ids.count(each) > 1})]


def _parsed(text: str, name: str) -> Any:
    """The content as JSON has it."""
    try:
        content = _json(text) if name.lower().endswith(".json") else _yaml(text)
        budget = iter(range(MOST_VALUES))
        _check_size(content, budget)
    except json.JSONDecodeError as error:
        raise StubError(f"{name}, line {error.lineno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise StubError(f"{name}{_mark(error)}: {error}") from error
    return content


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)


def _unique(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if not isinstance(key, str):
            raise ValueError(f"the key {key!r} is no text; put it in quotes")  # noqa: TRY004 - a bad file
        if key in found:
            raise ValueError(f"the key {key!r} stands twice")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
