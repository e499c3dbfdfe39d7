"""Stubs that every session has: those of `--stubs` files, read again when they change, and those of `--chaos`."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from mockserver.exchange import Services
from mockserver.settings import Settings
from mockserver.stubs.stub import Stub, StubError

if TYPE_CHECKING:
    from mockserver.stubs.loader import Watcher

CHAOS_PRIORITY = 1_000
"""Chaos comes before what a test says, as it does in the world."""

logger = logging.getLogger("mockserver")


def standing_stubs(settings: Settings) -> tuple[Stub, ...]:
    """The stubs that every session begins with.

    Raises:
        StubError: a stub file or a word that cannot be; the text names it.
    """
    files: tuple[Stub, ...] = ()
    if settings.stubs is not None:
        from mockserver.stubs.loader import load_folder  # noqa: PLC0415 - only who has stub files pays for YAML

        files = load_folder(settings.stubs)
    return (*files, *_chaos(settings.chaos or ()))


def _chaos(texts: Iterable[str]) -> Iterable[Stub]:
    from mockserver.stubs.words import stub_of  # noqa: PLC0415

    for number, text in enumerate(texts, 1):
        stub = stub_of(text, "header")
        yield replace(stub, id=f"chaos-{number}", source="file", priority=CHAOS_PRIORITY)


def watch_stubs(services: Services) -> "Watcher | None":
    """Reads the stub files again when they change, whole or not at all. None without a folder."""
    settings = services.settings
    if settings.stubs is None:
        return None
    from mockserver.stubs.loader import Watcher  # noqa: PLC0415

    loop = asyncio.get_running_loop()

    def apply(stubs: tuple[Stub, ...]) -> None:
        loop.call_soon_threadsafe(put, (*stubs, *_chaos(settings.chaos or ())))

    def put(standing: tuple[Stub, ...]) -> None:
        services.standing = standing
        for session in services.sessions:
            try:
                session.stubs.replace("file", standing)
            except StubError as error:  # that session is full
                refuse(error)
        logger.info("%d stubs read from %s", len(standing), settings.stubs)

    def refuse(error: StubError) -> None:
        logger.error("The stubs of %s stay as they were: %s", settings.stubs, error)

    watcher = Watcher(settings.stubs, apply, refuse)
    watcher.start()
    return watcher
