"""The files of both dialects: one store, two shapes. The store works in a thread, since it may be a disk."""

import asyncio
import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from mockserver import errors
from mockserver.api.body import read_form
from mockserver.api.multipart import Form, Upload
from mockserver.api.reply import content_answer, deleted_answer, json_answer
from mockserver.errors import ApiError
from mockserver.exchange import Exchange, Services
from mockserver.files.limits import check_file, check_room
from mockserver.files.listing import compatible_page, native_page
from mockserver.files.store import MissingFileError, StoredFile
from mockserver.wire.answer import Answer

ID_KINDS = MappingProxyType({"file-extract": "fe", "batch": "batch", "fine-tune": "ft"})
NATIVE_PURPOSE = "file-extract"
"""Clients of the native dialect send no purpose."""
REGION = "cn-beijing"

OBJECT_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "2026": ("id", "object", "bytes", "filename", "purpose", "status", "created_at"),
        "2024": ("id", "object", "bytes", "created_at", "filename", "purpose", "status"),
    }
)
LIST_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"2026": ("object", "data", "has_more"), "2024": ("object", "has_more", "data")}
)
DELETION_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"2026": ("id", "object", "deleted"), "2024": ("object", "deleted", "id")}
)
"""Key orders by profile, recorded 2024-07 and 2025-11."""


# Compatible


async def upload(exchange: Exchange, services: Services) -> Answer:
    """Keep the file of the form's `file` field."""
    form = await read_form(exchange, services.settings)
    parts = form.named("file")
    if not parts:
        raise ApiError("InvalidParameter/file-missing-part")
    purpose = form.text("purpose")
    file_id = f"file-{ID_KINDS.get(purpose, 'fe')}-{services.ids.hex(24)}"
    file = await _keep(exchange, services, parts[0], purpose=purpose, file_id=file_id)
    return json_answer(exchange, services, _object(file, exchange))


async def list_files(exchange: Exchange, services: Services) -> Answer:
    """A page of files. Those that the native dialect uploaded have other ids and are listed there."""
    files = await asyncio.to_thread(services.files.list, exchange.owner.namespace)
    page = compatible_page([file for file in files if file.id.startswith("file-")], exchange.query)
    rows = [_object(file, exchange) for file in page.files]
    document = {"object": "list", "data": rows, "has_more": page.has_more}
    return json_answer(exchange, services, _ordered(document, LIST_KEYS[exchange.profile.name]))


async def get_file(exchange: Exchange, services: Services) -> Answer:
    """One file's description."""
    return json_answer(exchange, services, _object(await _find(exchange, services), exchange))


async def get_content(exchange: Exchange, services: Services) -> Answer:
    """One file's bytes."""
    file = await _find(exchange, services)
    try:
        content = await asyncio.to_thread(services.files.content, file.session, file.id)
    except MissingFileError:  # deleted in between
        raise ApiError("InvalidParameter/file-unknown", file_id=file.id) from None
    return content_answer(exchange, services, content)


async def delete_file(exchange: Exchange, services: Services) -> Answer:
    """Delete one file."""
    document = {"id": await _delete(exchange, services), "object": "file", "deleted": True}
    return deleted_answer(exchange, services, _ordered(document, DELETION_KEYS[exchange.profile.name]))


# Native


async def native_upload(exchange: Exchange, services: Services) -> Answer:
    """Keep every file of the form's `files` field; one that is refused does not fail the others."""
    form = await read_form(exchange, services.settings)
    parts = form.named("files")
    if not parts:
        raise ApiError("InvalidParameter/file-missing-part")
    outcomes = [await _native_outcome(exchange, services, form, index, part) for index, part in enumerate(parts)]
    data = {
        "uploaded_files": [outcome for outcome in outcomes if "file_id" in outcome],
        "failed_uploads": [outcome for outcome in outcomes if "code" in outcome],
    }
    return json_answer(exchange, services, {"data": data, "request_id": exchange.request_id})


async def native_list(exchange: Exchange, services: Services) -> Answer:
    """A page of files."""
    files = await asyncio.to_thread(services.files.list, exchange.owner.namespace)
    page = native_page(files, exchange.query)
    data = {"total": page.total, "files": [_native_object(file) for file in page.files]}
    return json_answer(exchange, services, {"data": data, "request_id": exchange.request_id})


async def native_get(exchange: Exchange, services: Services) -> Answer:
    """One file's description."""
    document = {"data": _native_object(await _find(exchange, services)), "request_id": exchange.request_id}
    return json_answer(exchange, services, document)


async def native_delete(exchange: Exchange, services: Services) -> Answer:
    """Delete one file."""
    await _delete(exchange, services)
    return deleted_answer(exchange, services, {"request_id": exchange.request_id})


async def _native_outcome(
    exchange: Exchange, services: Services, form: Form, index: int, part: Upload
) -> dict[str, str]:
    descriptions = form.fields.get("descriptions", [])
    description = descriptions[index] if index < len(descriptions) else ""
    purpose = form.text("purpose") or NATIVE_PURPOSE
    file_id = services.ids.uuid4()
    try:
        await _keep(exchange, services, part, purpose=purpose, file_id=file_id, description=description)
    except ApiError as error:
        native = errors.native_form(error.entry, exchange.profile)
        said = errors.text(native, error.params, exchange.profile)
        return {"name": part.filename, "code": native.code, "message": said}
    return {"name": part.filename, "file_id": file_id}


def _native_object(file: StoredFile) -> dict[str, Any]:
    """`id` and `url` are inner matters of the service: here a number made of the id, and a dead address."""
    return {
        "id": zlib.crc32(file.id.encode()),
        "name": file.filename,
        "description": file.description,
        "purpose": file.purpose,
        "size": file.bytes,
        "md5": file.md5,
        "region": REGION,
        "file_id": file.id,
        "url": f"https://files.invalid/{file.id}/{quote(file.filename, safe='')}",
    }


# Both


async def _keep(  # noqa: PLR0913 - what a file is made of
    exchange: Exchange, services: Services, part: Upload, *, purpose: str, file_id: str, description: str = ""
) -> StoredFile:
    size = len(part.data)
    profile = exchange.profile.name
    if size > services.settings.max_upload_bytes:
        raise ApiError("BadRequest.TooLarge")
    check_file(services.limits, purpose=purpose, filename=part.filename, size=size, profile=profile)

    def admit(count: int, total: int) -> None:
        check_room(services.limits, size=size, count=count, total=total, dialect=exchange.dialect)

    return await asyncio.to_thread(
        services.files.put,
        exchange.owner.namespace,
        part.filename,
        part.data,
        purpose=purpose,
        file_id=file_id,
        created_at=services.clock.now_ms() / 1000,
        description=description,
        admit=admit,
    )


async def _find(exchange: Exchange, services: Services) -> StoredFile:
    file_id = exchange.params["file_id"]
    file = await asyncio.to_thread(services.files.get, exchange.owner.namespace, file_id)
    if file is None:
        raise ApiError("InvalidParameter/file-unknown", file_id=file_id)
    return file


async def _delete(exchange: Exchange, services: Services) -> str:
    file_id = exchange.params["file_id"]
    if not await asyncio.to_thread(services.files.delete, exchange.owner.namespace, file_id):
        raise ApiError("InvalidParameter/file-unknown", file_id=file_id)
    return file_id


def _object(file: StoredFile, exchange: Exchange) -> dict[str, Any]:
    row = {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": file.status,
        "created_at": file.created_at,
    }
    return _ordered(row, OBJECT_KEYS[exchange.profile.name])


def _ordered(document: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: document[key] for key in keys}
