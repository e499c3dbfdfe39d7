"""Multipart forms: what starlette's parser finds, held to what this server accepts."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from mockserver.errors import ApiError

MAX_FILES = 100
MAX_FIELDS = 100


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a form. `filename` is the client's text and never a path."""

    field: str
    filename: str
    data: bytes


@dataclass(slots=True)
class Form:
    """A multipart body: its files in order, and the values of its text fields by name."""

    files: list[Upload] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)

    def named(self, name: str) -> list[Upload]:
        """The files in the field of that name."""
        return [upload for upload in self.files if upload.field == name]

    def text(self, name: str) -> str:
        """The first value of a text field, empty if there is none."""
        return self.fields.get(name, [""])[0]


class _Parser(MultiPartParser):
    """A parser that knows whether the last boundary came: without it the form is a torn one."""

    ended = False

    def on_end(self) -> None:
        self.ended = True


async def parse_form(content_type: str, chunks: AsyncGenerator[bytes, None]) -> Form:
    """The form in `chunks`.

    Raises:
        ApiError: `InvalidParameter/body-invalid` if it is no form, broken, incomplete, or has too many parts.
    """
    parser = _Parser(
        Headers({"content-type": content_type}), chunks, max_files=MAX_FILES, max_fields=MAX_FIELDS
    )
    try:
        parsed = await parser.parse()
    except (MultiPartException, ValueError, LookupError):  # the latter two: charsets that are none
        raise ApiError("InvalidParameter/body-invalid") from None
    try:
        form = await _collect(parsed)
    finally:
        await parsed.close()
    if not parser.ended:
        raise ApiError("InvalidParameter/body-invalid")
    return form


async def _collect(parsed: FormData) -> Form:
    form = Form()
    for name, value in parsed.multi_items():
        if isinstance(value, UploadFile):
            form.files.append(Upload(name, value.filename or "", await value.read()))
        else:
            form.fields.setdefault(name, []).append(value)
    return form
