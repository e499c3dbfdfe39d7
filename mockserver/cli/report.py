"""`dashscope-mock report`: what a running server has to say of its clients, for people, programs and CI."""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import ProxyHandler, Request, build_opener
from xml.etree import ElementTree as ET

from mockserver.cli.style import BOLD, CYAN, DIM, GREEN, RED, Style, style_of

URL = "http://127.0.0.1:8787"
TIMEOUT_SECONDS = 30
SHOWN_RECORDS = 10
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold."""


class ReportError(Exception):
    """The server cannot be asked. The text says why."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--url", default=URL, help=f"the server (default: {URL})")
    parser.add_argument("--key", help="judge the session of this API key only; default: all")
    parser.add_argument("--token", help="the server's --control-token, if it runs on another machine")
    parser.add_argument("--format", choices=[*_WRITERS], default="text", help="how to say it (default: text)")
    parser.add_argument("--plain", action="store_true", help="no colours")
    parser.epilog = "Exit code: 0 if there is nothing to say, 1 if there is, 2 if the server cannot be asked."


def run(arguments: argparse.Namespace) -> int:
    """Print the verdict. Returns the exit code: 0 clean, 1 findings or violations, 2 cannot reach the server."""
    try:
        said = fetch(arguments.url, key=arguments.key, token=arguments.token)
        shown = _WRITERS[arguments.format](said, style_of(sys.stdout, plain=arguments.plain))
    except ReportError as error:
        print(f"dashscope-mock: {error}", file=sys.stderr)
        return 2
    print(shown)
    return 0 if said["clean"] else 1


def fetch(url: str, *, key: str | None = None, token: str | None = None) -> Mapping[str, Any]:
    """The verdict of a server, as `schemas/control/verdict.json` has it. Proxies are passed by.

    Raises:
        ReportError: nobody answers there, it refuses, or it is another server.
    """
    if _scheme(url) not in ("http", "https"):
        raise ReportError(f"{url!r} is no address; write it as {URL}.")
    query = f"?key={quote(key, safe='')}" if key is not None else ""
    headers = {"X-Mock-Token": token} if token is not None else {}
    try:
        request = Request(f"{url.rstrip('/')}/__mock__/verdict{query}", headers=headers)  # noqa: S310 - checked above
        with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT_SECONDS) as response:
            said = json.load(response)
    except HTTPError as error:
        raise ReportError(f"{url} refuses with {error.code}: {_detail(error)}") from None
    except (OSError, HTTPException) as error:
        raise ReportError(f"Cannot reach {url}: {getattr(error, 'reason', error)}.") from None
    except ValueError:
        said = None
    if not isinstance(said, dict) or "clean" not in said:
        raise ReportError(f"What answers at {url} is no dashscope-mock.")
    return said


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def _detail(error: HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError):
        return "it gives no reason. Is it a dashscope-mock?"


def as_text(said: Mapping[str, Any], style: Style) -> str:
    """For people."""
    lines = [line for session in said["sessions"] for line in _session_lines(session, style)]
    judged = f"{_count(said['requests'], 'request')} in {_count(len(said['sessions']), 'session')}"
    if said["clean"]:
        return f"{style('clean', BOLD, GREEN)}: {judged}, nothing to say."
    told = sum(len(each["findings"]) + len(each["violations"]) for each in said["sessions"])
    end = (
        f"{style(_count(told, 'problem'), BOLD, RED)}: {judged}. `dashscope-mock explain CODE` says what a code means."
    )
    return "\n".join([*lines, end])


def _session_lines(session: Mapping[str, Any], style: Style) -> list[str]:
    told = [(each, each["message"]) for each in session["findings"]]
    told += [(each, f"{_place(each)}{each['message']}") for each in session["violations"]]
    if not told:
        return []
    lines = [f"  {style(each['code'], CYAN)}  {text}  {style(_records(each['records']), DIM)}" for each, text in told]
    head = f"{style(session['api_key'], BOLD)}  {_count(session['requests'], 'request')}"
    return [head, *lines, ""]


def _place(violation: Mapping[str, Any]) -> str:
    return f"{violation['count']} times, first: " if violation["count"] > 1 else ""


def _records(numbers: list[int]) -> str:
    more = ", ..." if len(numbers) > SHOWN_RECORDS else ""
    return f"[{', '.join(map(str, numbers[:SHOWN_RECORDS]))}{more}]"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def as_json(said: Mapping[str, Any], style: Style) -> str:  # noqa: ARG001 - a writer
    """For programs, as the server says it."""
    return json.dumps(said, ensure_ascii=False, indent=2)


def as_junit(said: Mapping[str, Any], style: Style) -> str:  # noqa: ARG001 - a writer
    """For CI: a suite for each session, a failed case for each finding and each code of a violation."""
    root = ET.Element("testsuites", name="dashscope-mock")
    for session in said["sessions"]:
        _suite(root, session)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}'


def _suite(root: ET.Element, session: Mapping[str, Any]) -> None:
    told = [*session["findings"], *session["violations"]]
    tests, failures = str(max(1, len(told))), str(len(told))
    suite = ET.SubElement(root, "testsuite", name=_xml(session["api_key"]), tests=tests, failures=failures)
    if not told:
        ET.SubElement(suite, "testcase", classname=_xml(session["api_key"]), name="clean")
    for each in told:
        name = f"{each['code']} {_records(each['records'])}"
        case = ET.SubElement(suite, "testcase", classname=_xml(session["api_key"]), name=_xml(name))
        failure = ET.SubElement(case, "failure", type=_xml(each["code"]), message=_xml(each["message"]))
        failure.text = _xml(f"{each['message']}\nRecords: {', '.join(map(str, each['records']))}")


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


_WRITERS = {"text": as_text, "json": as_json, "junit": as_junit}
