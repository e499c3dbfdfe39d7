"""The real clients against the emulator, over a real socket. A package, so that helpers can be imported."""
