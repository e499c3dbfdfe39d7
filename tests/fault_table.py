"""The tables of the page about faults, made from the table of faults. Run it to write them into the pages again.

One example of each kind, with the parameters of `EXAMPLES`, is said in the three forms that serve five ways: words
(header, directive), an object (stub file, control API) and Python.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from mockserver.wire.fault_kind import Param  # noqa: E402 - after the path, where it is a program
from mockserver.wire.faults import FAULTS  # noqa: E402

PAGES = {"en": ROOT / "docs" / "faults.md", "zh": ROOT / "docs" / "faults.zh-CN.md"}
EXAMPLES: Mapping[str, Mapping[str, str | int]] = {
    "http-status": {"status": 502, "body": "<html>", "type": "text/html"},
    "content-type": {"type": "text/html"},
    "gzip": {"mode": "broken"},
    "interim": {"status": "103"},
    "bad-status-line": {"line": "ICY 200 OK"},
    "huge-headers": {"size": "128kb"},
    "error-frame": {"name": "InternalError", "after": 2},
    "malformed-json": {"event": 2},
    "truncated-event": {"event": 2},
    "garbage": {"after": 2, "size": 64},
    "duplicate": {"event": 2},
    "reorder": {"event": 3},
    "drop": {"event": 2},
    "line-ends": {"style": "crlf"},
    "comments": {"text": "ping"},
    "extra-blank-lines": {"count": 2},
    "missing-blank-lines": {"event": 2},
    "colon-space": {"spaces": 2},
    "multi-line-data": {"lines": 3},
    "merge": {"events": 3},
    "segments": {"cut": "in-utf8"},
    "drip": {"size": 4, "every": "50ms"},
    "reset": {"after": 3},
    "close": {"after": 3},
    "short-body": {"missing": 10},
    "bad-chunk-size": {"segment": 2},
    "stall-before-headers": {"duration": "2s"},
    "stall": {"after": 3, "duration": "2s"},
    "slow-headers": {"every": "20ms"},
}
HEADINGS = {
    "en": (
        ("Fault", "The client sees", "Header, directive", "Stub file, control API", "Python"),
        ("Fault", "Parameter", "Default", "Meaning"),
    ),
    "zh": (
        ("故障", "客户端看到什么", "请求头、指令", "桩文件、控制 API", "Python"),
        ("故障", "参数", "默认值", "含义"),
    ),
}


def words(kind: str) -> str:
    """The example as a header or directive says it."""
    return " ".join([f"fault={kind}", *(f"{name}={_quoted(value)}" for name, value in _example(kind).items())])


def document(kind: str) -> str:
    """The example as an element of `faults`: JSON, which YAML reads as well."""
    return json.dumps({"kind": kind, **_example(kind)})


def python(kind: str) -> str:
    """The example as what follows `mock.on()`."""
    said = [json.dumps(kind), *(f"{name}={json.dumps(value)}" for name, value in _example(kind).items())]
    return f".fault({', '.join(said)})"


def tables(lang: str) -> tuple[str, str]:
    """Both tables as Markdown: the kinds, and their parameters."""
    kinds, params = HEADINGS[lang]
    return _table(kinds, _kinds(lang)), _table(params, _params(lang))


def between(page: str, number: int) -> str:
    """The table that a page has between its marks."""
    found = re.search(rf"<!-- table {number} -->\n(.*?)<!-- end -->", page, re.DOTALL)
    return found[1] if found else ""


def _kinds(lang: str) -> Iterator[tuple[str, ...]]:
    for kind in FAULTS.values():
        sees = getattr(kind, lang) + (_STREAMS[lang] if kind.streams_only else "")
        name = kind.name
        yield f"`{name}`", sees, f"`{words(name)}`", f"`{document(name)}`", f"`{python(name)}`"


_STREAMS = {"en": " (Streams.)", "zh": "（仅流式）"}


def _params(lang: str) -> Iterator[tuple[str, ...]]:
    for kind in FAULTS.values():
        for name, param in kind.params.items():
            yield f"`{kind.name}`", f"`{name}`", _default(param), getattr(param, lang) + _choices(param)


def _choices(param: Param) -> str:
    return f" {', '.join(f'`{choice}`' for choice in param.choices)}" if param.choices else ""


def _default(param: Param) -> str:
    if param.default is None:
        return "–"
    shown = f"{param.default:g}s" if param.type == "duration" else str(param.default).strip()
    return f"`{shown}`" if shown else "–"


def _example(kind: str) -> Mapping[str, str | int]:
    return EXAMPLES.get(kind, {})


def _quoted(value: str | int) -> str:
    return f'"{value}"' if " " in str(value) else str(value)


def _table(headings: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def main() -> None:
    """Write the tables into the pages."""
    for lang, path in PAGES.items():
        text = path.read_text(encoding="utf-8")
        for number, table in enumerate(tables(lang), 1):
            text = text.replace(
                f"<!-- table {number} -->\n{between(text, number)}", f"<!-- table {number} -->\n{table}"
            )
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
