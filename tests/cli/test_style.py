"""Colour where people want it, and the language they read."""

import io

import pytest

from mockserver.cli.style import BOLD, RED, Style, language, style_of


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_styles_surround_a_text() -> None:
    assert Style(color=True)("no", BOLD, RED) == "\033[1;31mno\033[0m"
    assert Style(color=True)("no") == "no"
    assert Style(color=False)("no", BOLD) == "no"


@pytest.mark.parametrize(
    ("stream", "plain", "environ", "color"),
    [
        (Terminal(), False, {}, True),
        (Terminal(), False, {"NO_COLOR": ""}, True),
        (Terminal(), False, {"NO_COLOR": "1"}, False),
        (Terminal(), False, {"TERM": "dumb"}, False),
        (Terminal(), True, {}, False),
        (io.StringIO(), False, {}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    stream: io.StringIO, plain: bool, environ: dict[str, str], color: bool
) -> None:
    assert style_of(stream, plain=plain, environ=environ).color is color


@pytest.mark.parametrize(
    ("environ", "lang"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_ALL": "", "LANG": "zh_TW"}, "zh"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_language_is_that_of_the_locale(environ: dict[str, str], lang: str) -> None:
    assert language(environ) == lang
