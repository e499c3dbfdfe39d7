"""`/__mock__/`: how a person or a test looks into the server and steers it.

It answers this machine only, unless `--control-token` opens it. It imitates nobody: refusals are
`application/problem+json` (RFC 9457) that say what would be right. What looks like a key is masked in all it shows.

    frame       from ASGI to a handler and back; who may ask; whose session is meant
    about       the server and what it knows: health, schemas, OpenAPI, catalogue, models
    stubs       stubs, faults, what is left over
    sessions    sessions, seed, reset
    watching    journal and verdict
    clock       the time, where it can be moved
"""

from mockserver.api.control.about import (
    get_control_openapi,
    get_error,
    get_openapi,
    get_schema,
    health,
    list_errors,
    list_models,
    list_schemas,
)
from mockserver.api.control.clock import advance_clock, get_clock
from mockserver.api.control.frame import Control, ProblemError, is_loopback, unknown
from mockserver.api.control.sessions import (
    delete_session,
    get_session,
    list_sessions,
    put_seed,
    put_session,
    reset,
)
from mockserver.api.control.stubs import (
    add_fault,
    add_stubs,
    clear_stubs,
    delete_stub,
    get_stub,
    list_faults,
    list_stubs,
    list_unmet,
)
from mockserver.api.control.watching import clear_journal, get_verdict, list_journal

__all__ = [
    "Control",
    "ProblemError",
    "add_fault",
    "add_stubs",
    "advance_clock",
    "clear_journal",
    "clear_stubs",
    "delete_session",
    "delete_stub",
    "get_clock",
    "get_control_openapi",
    "get_error",
    "get_openapi",
    "get_schema",
    "get_session",
    "get_stub",
    "get_verdict",
    "health",
    "is_loopback",
    "list_errors",
    "list_faults",
    "list_journal",
    "list_models",
    "list_schemas",
    "list_sessions",
    "list_stubs",
    "list_unmet",
    "put_seed",
    "put_session",
    "reset",
    "unknown",
]
