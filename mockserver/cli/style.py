"""Colour for people, plain text for pipes; and the language people read.

Colour is used on a terminal only, and there not where `NO_COLOR` is set (no-color.org) or the terminal is dumb.
"""

import os
from collections.abc import Mapping
from typing import TextIO

BOLD, DIM, RED, GREEN, CYAN = "1", "2", "31", "32", "36"
LANGUAGES = ("en", "zh")


class Style:
    """Puts text into colour, or leaves it as it is."""

    def __init__(self, *, color: bool) -> None:
        self.color = color

    def __call__(self, text: str, *styles: str) -> str:
        """The text in these styles, e.g. `style("no", BOLD, RED)`."""
        return f"\033[{';'.join(styles)}m{text}\033[0m" if self.color and styles and text else text


def style_of(stream: TextIO, *, plain: bool = False, environ: Mapping[str, str] = os.environ) -> Style:
    """The style that suits a stream. `plain` wants none in any case."""
    wanted = not plain and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return Style(color=wanted and stream.isatty())


def language(environ: Mapping[str, str] = os.environ) -> str:
    """`zh` where the locale is Chinese, else `en`."""
    named = (environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next(filter(None, named), "").lower().startswith("zh") else "en"
