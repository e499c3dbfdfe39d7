"""Writes and deletes files in a data directory until it is killed, and says on standard output what is done.

    python crash_writer.py DIRECTORY SEED [CALL]

With CALL it kills itself before or after a call of a function that changes the disk: 0 is before the first
call, 1 after it, 2 before the second, and so on.
"""

import hashlib
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

from mockserver.files import disk


def say(*words: object) -> None:
    os.write(1, f"{' '.join(map(str, words))}\n".encode())


def die_at(call: int) -> None:
    moments = iter(range(call))

    def moment() -> None:
        if next(moments, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    def deadly(function: Any) -> Any:
        def wrapped(*args: Any, **options: Any) -> Any:
            moment()
            result = function(*args, **options)
            moment()
            return result

        return wrapped

    os.fsync = deadly(os.fsync)
    for name in ("open", "replace", "unlink"):
        setattr(Path, name, deadly(getattr(Path, name)))
    for name in ("_insert", "_remove_leftovers"):
        setattr(disk.DiskStore, name, deadly(getattr(disk.DiskStore, name)))


def main(directory: str, seed: str, call: str = "") -> None:
    choose = random.Random(seed)  # noqa: S311 - repeatable
    if call:
        die_at(int(call))
    store = disk.DiskStore(directory)
    for _ in range(100_000):
        file_id = f"file-fe-{choose.getrandbits(96):024x}"
        data = choose.randbytes(choose.choice([0, 10, 5_000, 300_000]))
        store.put("sk-a", "a.txt", data, purpose="file-extract", file_id=file_id, created_at=1)
        say("put", file_id, hashlib.sha256(data).hexdigest())
        if choose.random() < 0.3:
            say("deleting", file_id)
            store.delete("sk-a", file_id)
            say("deleted", file_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
