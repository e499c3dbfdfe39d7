"""`dashscope-mock explain`: what a code of the journal, the verdict or the catalogue means, and how to mend it."""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from mockserver.cli.style import BOLD, CYAN, LANGUAGES, Style, language, style_of

LABELS: Mapping[str, Mapping[str, str]] = {
    "en": {"what": "What", "why": "Why it matters", "fix": "How to mend it"},
    "zh": {"what": "含义", "why": "为何重要", "fix": "如何修正"},
}
KINDS: Mapping[str, Mapping[str, str]] = {
    "en": {"violation": "a request breaks the contract", "finding": "behaviour over several requests"},
    "zh": {"violation": "请求违反约定", "finding": "多次请求的行为"},
}
_RULE = re.compile(r"schema\.[A-Za-z]+")


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "code", nargs="?", metavar="CODE", help="a code, or the name of an error; default: list the codes"
    )
    parser.add_argument("--lang", choices=LANGUAGES, default=language(), help="language of the explanations")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--plain", action="store_true", help="no colours")
    how.add_argument("--json", action="store_true", help="JSON for programs, in both languages")


def run(arguments: argparse.Namespace) -> int:
    """Print an explanation, or all codes. Returns the exit code: 0, or 2 for a code that there is none of."""
    style = style_of(sys.stdout, plain=arguments.plain)
    if arguments.code is None:
        _print_codes(arguments, style)
        return 0
    found = explained(arguments.code)
    if found is None:
        print(f"dashscope-mock: there is no code {arguments.code!r}.{_near(arguments.code)}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _print(found, arguments.lang, style)
    return 0


def words() -> list[str]:
    """What may be asked for, for completion: codes and names of errors."""
    from mockserver.errors import catalogue  # noqa: PLC0415 - not needed for --help
    from mockserver.violations import explanations  # noqa: PLC0415

    return [*explanations(), *catalogue()]


def explained(code: str) -> Mapping[str, Any] | None:
    """The explanation of a code or of an error, in both languages, or None."""
    from mockserver.errors import CatalogueError, catalogue  # noqa: PLC0415 - not needed for --help
    from mockserver.violations import explanation  # noqa: PLC0415

    row = explanation(code)
    if row is not None and (row["code"] == code or _RULE.fullmatch(code)):
        return {**row, "code": code}
    try:
        entry = catalogue()[code]
    except CatalogueError:
        return None
    texts = {lang: {"what": entry.explanation[lang]} for lang in LANGUAGES}
    return {"code": entry.name, "kind": "error", "retryable": entry.retryable, **texts}


def _near(code: str) -> str:
    near = get_close_matches(code, words(), n=3)
    return f" Did you mean {', '.join(near)}?" if near else " `dashscope-mock explain` lists the codes."


def _print(found: Mapping[str, Any], lang: str, style: Style) -> None:
    kind = KINDS[lang].get(found["kind"])
    print(style(found["code"], BOLD) + (f"  ({kind})" if kind else ""))
    for name, label in LABELS[lang].items():
        if name in found[lang]:
            print(f"{style(label, CYAN)}: {found[lang][name]}")
    if found["kind"] == "error":
        print(f"dashscope-mock errors {found['code']}")


def _print_codes(arguments: argparse.Namespace, style: Style) -> None:
    from mockserver.violations import explanations  # noqa: PLC0415

    rows = explanations()
    if arguments.json:
        print(json.dumps([*rows.values()], ensure_ascii=False, indent=2))
        return
    width = max(map(len, rows))
    for kind, title in KINDS[arguments.lang].items():
        print(style(f"{kind}: {title}", BOLD))
        for code, row in rows.items():
            if row["kind"] == kind:
                print(f"  {style(f'{code:<{width}}', CYAN)}  {row[arguments.lang]['what']}")
