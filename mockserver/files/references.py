"""Which documents a qwen-long request names, and the rules for its messages. Pure functions.

The first system message is the role to play; every later one is documents: either ids,
`fileid://A,fileid://B`, or the text itself. A first system message that starts with `fileid://` is documents
too (recorded 2024-07): the prefix decides before the position does. Documents may be added between turns. Ids
and texts never mix.

Only models that read documents (`Model.documents` > 0) are held to this; to others `fileid://` is plain text.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mockserver.errors import ApiError
from mockserver.files.limits import FileLimits
from mockserver.generation import Message

PREFIX = "fileid://"

Count = Callable[[str], int]
"""The number of tokens of a text."""


@dataclass(frozen=True, slots=True)
class References:
    """What the system messages hold: `ids`, in order and with repetitions, or else `texts`."""

    role: str | None = None
    ids: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


def is_reference(message: Message) -> bool:
    """Whether the message names documents by id."""
    return message.role == "system" and message.content.lstrip().startswith(PREFIX)


def references(messages: Iterable[Message]) -> References:
    """Sort the system messages into role, ids and texts.

    Raises:
        ApiError: InvalidParameter/mixed-file-and-text.
    """
    system = [message for message in messages if message.role == "system"]
    role = system.pop(0).content if system and not is_reference(system[0]) else None
    ids = tuple(file_id for message in system if is_reference(message) for file_id in _ids(message.content))
    texts = tuple(message.content for message in system if not is_reference(message))
    if ids and texts:
        raise ApiError("InvalidParameter/mixed-file-and-text")
    return References(role=role, ids=ids, texts=texts)


def _ids(content: str) -> Iterable[str]:
    """The ids between the commas; blanks around them do not count. Each has the prefix, or it is text."""
    for part in content.split(","):
        if not part.strip().startswith(PREFIX):
            raise ApiError("InvalidParameter/mixed-file-and-text")
        yield part.strip().removeprefix(PREFIX)


def check_messages(messages: Sequence[Message], *, count: Count, limits: FileLimits, max_documents: int) -> References:
    """Hold the messages to the rules, before any document is read. `max_documents` is `Model.documents`.

    Raises:
        ApiError: InvalidParameter/role-specification, mixed-file-and-text, too-many-files, round-too-long.
    """
    _check_turns(messages)
    found = references(messages)
    if len(found.ids) > max_documents or len(found.ids) >= limits.max_documents:
        raise ApiError("InvalidParameter/too-many-files")
    for text in _rounds(messages, found):
        if count(text) > limits.max_round_tokens:
            raise ApiError("InvalidParameter/round-too-long")
    return found


def _check_turns(messages: Sequence[Message]) -> None:
    """User and assistant take turns; the last message is the user's."""
    turns = [message.role for message in messages if message.role != "system"]
    alternate = all({role, following} == {"user", "assistant"} for role, following in pairwise(turns))
    if not alternate or not messages or messages[-1].role != "user":
        raise ApiError("InvalidParameter/role-specification")


def _rounds(messages: Iterable[Message], found: References) -> Iterable[str]:
    """What must be short: the role, and what the user says once there is a second system message."""
    if found.role is not None:
        yield found.role
    messages = list(messages)
    if sum(message.role == "system" for message in messages) > 1:
        yield from (message.content for message in messages if message.role == "user")


def check_total(messages: Iterable[Message], documents: Iterable[str], *, count: Count, limits: FileLimits) -> None:
    """Refuse a request that is too long with its documents. Stops counting as soon as it knows.

    Raises:
        ApiError: InvalidParameter/total-too-long.
    """
    room = limits.max_total_tokens
    for text in (*(message.content for message in messages if not is_reference(message)), *documents):
        room -= count(text)
        if room < 0:
            raise ApiError("InvalidParameter/total-too-long")
