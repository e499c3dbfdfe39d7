"""Pages of a session's files: filters and a cursor in the compatible dialect, page numbers in the native one.

Both take the query string's values as they came, and the files newest first, as a store lists them. An empty
value is as good as none, an unknown parameter is ignored, a bad value is refused. What the service answers to
a bad value was never seen: the validators' words are a guess.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from mockserver.errors import ApiError, validator_text
from mockserver.files.store import StoredFile

MAX_LIMIT = 2000
DEFAULT_PAGE_SIZE = 10

_BEIJING = timezone(timedelta(hours=8))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES = {
    re.compile(r"\d{14}", re.ASCII): "%Y%m%d%H%M%S",
    re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII): "%Y-%m-%d %H:%M:%S",
    re.compile(r"\d{4}-\d\d-\d\d", re.ASCII): "%Y-%m-%d",
    re.compile(r"\d{8}", re.ASCII): "%Y%m%d",
}
_TIME_FORMS = "'yyyyMMddHHmmss', 'yyyy-MM-dd HH:mm:ss', 'yyyy-MM-dd', 'yyyyMMdd'"
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the files. `total` counts all files that the filters let through."""

    files: tuple[StoredFile, ...]
    has_more: bool
    total: int


def compatible_page(files: Sequence[StoredFile], query: Mapping[str, str]) -> Page:
    """The page that `after`, `limit`, `create_after`, `create_before` and `purpose` ask for.

    Times are Beijing time (proven with /batches, 2026-04); a date is its first second. Both ends belong to
    the span.

    Raises:
        ApiError: InvalidParameter/validation for a bad limit or time;
            InvalidParameter/file-unknown for an unknown `after`.
    """
    limit = _limit(query.get("limit", ""))
    earliest = _time("create_after", query)
    latest = _time("create_before", query)
    purpose = query.get("purpose", "")
    matching = [
        file
        for file in _after(files, query.get("after", ""))
        if (not purpose or file.purpose == purpose)
        and (earliest is None or earliest <= file.created_at)
        and (latest is None or file.created_at <= latest)
    ]
    return Page(files=tuple(matching[:limit]), has_more=len(matching) > limit, total=len(matching))


def native_page(files: Sequence[StoredFile], query: Mapping[str, str]) -> Page:
    """The page `page_no` (from 1, the default) of `page_size` files (1-2000, default 10).

    Raises:
        ApiError: InvalidParameter/validation.
    """
    number = _native_number("page_no", query, default=1, most=10**9)
    size = _native_number("page_size", query, default=DEFAULT_PAGE_SIZE, most=MAX_LIMIT)
    start = (number - 1) * size
    shown = tuple(files[start : start + size])
    return Page(files=shown, has_more=start + size < len(files), total=len(files))


def _limit(value: str) -> int:
    if not value:
        return MAX_LIMIT
    if not _WHOLE.fullmatch(value):
        raise _refused(validator_text("compatible", "integer", name="limit"))
    limit = int(value)
    if limit < 1:
        raise _refused(validator_text("compatible", "minimum", value=limit, minimum=1, name="limit"))
    if limit > MAX_LIMIT:
        raise _refused(validator_text("compatible", "maximum", value=limit, maximum=MAX_LIMIT, name="limit"))
    return limit


def _time(name: str, query: Mapping[str, str]) -> int | None:
    value = query.get(name, "")
    if not value:
        return None
    for pattern, form in _TIMES.items():
        if pattern.fullmatch(value):
            try:
                moment = datetime.strptime(value, form).replace(tzinfo=_BEIJING)
            except ValueError:
                break
            return int((moment - _EPOCH).total_seconds())
    text = validator_text("compatible", "enumeration", value=repr(value), allowed=_TIME_FORMS, name=name)
    raise _refused(text)


def _after(files: Sequence[StoredFile], file_id: str) -> Sequence[StoredFile]:
    if not file_id:
        return files
    for index, file in enumerate(files):
        if file.id == file_id:
            return files[index + 1 :]
    raise ApiError("InvalidParameter/file-unknown", file_id=file_id)


def _native_number(name: str, query: Mapping[str, str], *, default: int, most: int) -> int:
    value = query.get(name, "")
    if not value:
        return default
    if not _WHOLE.fullmatch(value):
        raise _refused(validator_text("native", "integer_parsing", path=name))
    number = int(value)
    if not 1 <= number <= most:
        raise _refused(validator_text("native", "integer", path=name))
    return number


def _refused(details: str) -> ApiError:
    return ApiError("InvalidParameter/validation", details=details)
