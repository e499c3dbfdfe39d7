"""Server-sent events, as each dialect frames them: bytes in, bytes out.

Native frames carry an id that counts from 1, an event name and the HTTP status as a comment; there is no
blank after a colon and no end marker (recorded 2024 to 2026). Compatible frames are bare `data` lines and end
with `[DONE]`; the 2024 documents have no blank after the colon. Lines end with LF, and every frame, the last
too, with a blank line.
"""


def native_frame(number: int, data: bytes) -> bytes:
    r"""One event of a native stream: `id:1\nevent:result\n:HTTP_STATUS/200\ndata:{...}\n\n`."""
    return b"id:%d\nevent:result\n:HTTP_STATUS/200\ndata:%b\n\n" % (number, data)


def native_error_frame(number: int, status: int, data: bytes) -> bytes:
    r"""The event that ends a refused native stream: `id:1\nevent:error\n:HTTP_STATUS/400\ndata:{...}\n\n`."""
    return b"id:%d\nevent:error\n:HTTP_STATUS/%d\ndata:%b\n\n" % (number, status, data)


def compatible_frame(data: bytes, *, prefix: bytes = b"data: ") -> bytes:
    r"""One chunk of a compatible stream: `data: {...}\n\n`. `prefix` comes from the profile."""
    return prefix + data + b"\n\n"


def compatible_done(*, prefix: bytes = b"data: ") -> bytes:
    r"""The end marker of a compatible stream: `data: [DONE]\n\n`."""
    return prefix + b"[DONE]\n\n"
