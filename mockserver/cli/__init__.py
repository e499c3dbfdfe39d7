"""The command line. Each command is a module with `run(arguments) -> int` and `configure(parser)`.

A command without options has no `configure`, and its `run` takes nothing.

Commands are imported when they are called for, so that the first answer comes soon after the start.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from mockserver._version import __version__

COMMANDS = {
    "serve": "run the emulator",
    "demo": "start a server, play the documented calls and show them",
    "errors": "look up the service's errors, as a client sees them",
    "explain": "say what a code of the journal or the verdict means",
    "report": "print the verdict of a running server",
    "schemas": "write the JSON Schemas to a folder",
    "completion": "print the completion script of a shell",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code: 0 done, 1 a report that is not clean, 2 what cannot be done."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    outer = _outer_parser()
    if not given or given[0] not in COMMANDS:
        outer.parse_args(given)
        outer.print_help()
        return 0
    command = load(given[0])
    parsed = parser_of(given[0], command).parse_args(given[1:])
    try:
        code = command.run(parsed) if hasattr(command, "configure") else command.run()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has seen enough, as in `errors | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return int(code)


def load(name: str) -> Any:
    """The module of a command."""
    return import_module(f"mockserver.cli.{name}")


def parser_of(name: str, command: Any) -> argparse.ArgumentParser:
    """The parser of a command's own arguments."""
    parser = argparse.ArgumentParser(prog=f"dashscope-mock {name}", description=COMMANDS[name])
    if hasattr(command, "configure"):
        command.configure(parser)
    return parser


def _outer_parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:<11} {summary}" for name, summary in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="dashscope-mock",
        usage="dashscope-mock [--version] COMMAND ...",
        description=f"An offline DashScope.\n\ncommands:\n{listed}\n\nMore: dashscope-mock COMMAND --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"dashscope-mock {__version__}")
    parser.add_argument("command", choices=[*COMMANDS], nargs="?", help=argparse.SUPPRESS)
    return parser
