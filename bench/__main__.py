"""`python -m bench [NAME ...]`: runs the named measurements, or all of them."""

import argparse
import asyncio

from bench import streams

CASES = {"streams": streams.main}


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*CASES, []], help="what to measure (default: everything)")
    for name in parser.parse_args().names or CASES:
        asyncio.run(CASES[name]())


if __name__ == "__main__":
    main()
