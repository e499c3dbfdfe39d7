"""The command line. Each command is a module with `run(arguments) -> int` and `configure(parser)`.

A command without options has no `configure`, and its `run` takes nothing.

Commands are imported when they are called for, so that the first answer comes soon after the start.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from mockserver._version import __version__

COMMANDS = {
    "serve": "run the emulator",
    "demo": "start a server, play the documented calls and show them",
    "schemas": "write the JSON Schemas to a folder",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code: 0 done, 2 a wrong argument or a port that is taken."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    outer = _outer_parser()
    if not given or given[0] not in COMMANDS:
        outer.parse_args(given)
        outer.print_help()
        return 0
    command = import_module(f"mockserver.cli.{given[0]}")
    parser = argparse.ArgumentParser(prog=f"dashscope-mock {given[0]}", description=COMMANDS[given[0]])
    if not hasattr(command, "configure"):
        parser.parse_args(given[1:])
        return int(command.run())
    command.configure(parser)
    return int(command.run(parser.parse_args(given[1:])))


def _outer_parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:<9} {summary}" for name, summary in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="dashscope-mock",
        usage="dashscope-mock [--version] COMMAND ...",
        description=f"An offline DashScope.\n\ncommands:\n{listed}\n\nMore: dashscope-mock COMMAND --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"dashscope-mock {__version__}")
    parser.add_argument("command", choices=[*COMMANDS], nargs="?", help=argparse.SUPPRESS)
    return parser
