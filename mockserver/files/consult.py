"""Document chat: a request whose system messages name or hold documents becomes one that has read them."""

from dataclasses import replace

from mockserver.files.library import Library
from mockserver.files.limits import FileLimits
from mockserver.files.references import Count, check_messages, check_total
from mockserver.generation import GenerationRequest


def consult(  # noqa: PLR0913 - a request, where documents are, and how to judge them
    request: GenerationRequest,
    library: Library,
    *,
    session: str,
    now: float,
    count: Count,
    limits: FileLimits,
) -> GenerationRequest:
    """The request with its documents read; system messages that stood for documents are gone. Blocks while it reads.

    `now` is in epoch seconds, `count` counts the tokens of a text.

    Raises:
        ApiError: for messages that break the rules of document chat, and for documents that cannot be read.
    """
    messages = request.messages
    found = check_messages(messages, count=count, limits=limits, max_documents=request.model.documents)
    documents = found.texts + library.resolve(session, found.ids, now=now)
    role = next((message for message in messages if message.role == "system"), None) if found.role is not None else None
    spoken = tuple(message for message in messages if message is role or message.role != "system")
    check_total(spoken, documents, count=count, limits=limits)
    return replace(request, messages=spoken, documents=documents)
