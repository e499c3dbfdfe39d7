"""What a dialect needs to know about an exchange to write its answer, and the shape of a refusal."""

from dataclasses import dataclass

from mockserver.profiles import Profile


@dataclass(frozen=True, slots=True)
class Meta:
    """`request_id` is UUID text; `created` is seconds since the epoch."""

    request_id: str
    created: int
    profile: Profile


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as bytes. `content_type` is empty where the service sends none."""

    status: int
    content_type: bytes
    body: bytes
