"""`dashscope-mock schemas`: the JSON Schemas as files."""

import argparse
import sys
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to; made if need be")


def run(arguments: argparse.Namespace) -> int:
    """Write the files. Returns the exit code."""
    from mockserver import schemas  # noqa: PLC0415 - not needed for --help

    try:
        written = schemas.write_all(arguments.out)
    except OSError as error:
        print(f"dashscope-mock: cannot write to {arguments.out}: {error.strerror}.", file=sys.stderr)
        return 2
    print(f"{len(written)} schemas written to {arguments.out}")
    return 0
