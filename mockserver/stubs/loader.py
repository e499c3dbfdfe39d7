"""Stub files: a folder of YAML and JSON, read whole, and watched.

Nothing is half loaded: every file is read and checked, and only if all of them are right do their stubs
replace those that run. Otherwise one `StubError` lists every problem with its file and line.
"""

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

from mockserver.stubs.document import from_file
from mockserver.stubs.stub import Stub, StubError
from mockserver.stubs.text import BadTextError, from_json, from_yaml, line_of

__all__ = ["Watcher", "load_folder"]

LARGEST_FILE = 1 << 20
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
        raise StubError(f"{name}{_at(line_of(text, error.path))}: {error}") from error
    return [stub if stub.id else replace(stub, id=f"{name}#{at}") for at, stub in enumerate(stubs, 1)]


def _twice(stubs: list[Stub]) -> list[str]:
    counts = Counter(stub.id for stub in stubs)
    return [f"the id {each!r} stands {times} times" for each, times in sorted(counts.items()) if times > 1]


def _parsed(text: str, name: str) -> Any:
    try:
        return from_json(text) if name.lower().endswith(".json") else from_yaml(text)
    except BadTextError as error:
        raise StubError(f"{name}{_at(error.line)}: {error}") from error


def _at(line: int | None) -> str:
    return f", line {line}" if line else ""


class Watcher:
    """Reads a folder again when it changes. Looks at names, sizes and times of its files; needs no library.

    `apply` is handed the stubs of a folder that is right, `refuse` the error of one that is not, after which
    what ran before runs on. Both are called in the thread of `start`, or in that of who calls `check`.
    """

    def __init__(
        self,
        path: Path,
        apply: Callable[[tuple[Stub, ...]], object],
        refuse: Callable[[StubError], object],
        *,
        every: float = 0.5,
    ) -> None:
        self._path = path
        self._apply = apply
        self._refuse = refuse
        self._every = every
        self._seen = _fingerprint(path)
        self._stop = Event()
        self._thread: Thread | None = None

    def check(self) -> bool:
        """Look once; whether there was a change."""
        now = _fingerprint(self._path)
        if now == self._seen:
            return False
        self._seen = now
        try:
            stubs = load_folder(self._path)
        except StubError as error:
            self._refuse(error)
        else:
            self._apply(stubs)
        return True

    def start(self) -> None:
        """Look every `every` seconds, in a thread of its own, until `stop`."""
        self._thread = Thread(target=self._run, name="stub-files", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking, and wait for the thread to end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.check()
            except Exception:  # a callback's mistake must not end the watch
                logger.exception("the stub files could not be read again")


def _fingerprint(path: Path) -> frozenset[tuple[str, int, int]]:
    """What changes when a file does. A file that goes while we look shows up at the next look."""
    found = set()
    with suppress(OSError):
        for file in _files(path):
            with suppress(OSError):
                status = file.stat()
                found.add((str(file), status.st_mtime_ns, status.st_size))
    return frozenset(found)
