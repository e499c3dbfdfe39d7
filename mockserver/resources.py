"""Where the data lives: `schemas/` and `fixtures/`, in a source tree or inside an installed wheel."""

from functools import cache
from pathlib import Path
from typing import Any

import orjson

_PACKAGE = Path(__file__).resolve().parent


def path(*parts: str) -> Path:
    """The path of a packaged file or folder, e.g. `path("fixtures", "errors.json")`."""
    installed = _PACKAGE.joinpath(*parts)
    return installed if installed.exists() else _PACKAGE.parent.joinpath(*parts)


@cache
def load(*parts: str) -> Any:
    """The parsed content of a packaged JSON file. Shared: callers must not change it."""
    return orjson.loads(path(*parts).read_bytes())
