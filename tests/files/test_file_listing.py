"""Lists show every matching file once, newest first, in either dialect."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import ApiError
from mockserver.files.listing import compatible_page, native_page
from mockserver.files.store import StoredFile

NEWEST = 1761480070  # 2025-10-26 20:01:10 in Beijing (recorded 2025-11)


def file(number: int, *, purpose: str = "file-extract", created_at: float = NEWEST) -> StoredFile:
    return StoredFile(
        id=f"file-fe-{number:024x}",
        session="sk-a",
        filename="a.txt",
        bytes=1,
        purpose=purpose,
        uploaded_at=created_at,
        md5="",
    )


def files(count: int) -> list[StoredFile]:
    return [file(number, created_at=NEWEST - number) for number in range(count)]


def details(dialect: str, **query: str) -> object:
    page = compatible_page if dialect == "compatible" else native_page
    with pytest.raises(ApiError) as refused:
        page(files(3), query)
    assert refused.value.entry.name == "InvalidParameter/validation"
    return refused.value.params["details"]


def test_a_plain_list_holds_everything() -> None:
    page = compatible_page(files(3), {"unknown": "ignored", "after": "", "limit": ""})
    assert (page.files, page.has_more, page.total) == (tuple(files(3)), False, 3)


def test_the_default_limit_is_2000() -> None:
    page = compatible_page(files(2001), {})
    assert (len(page.files), page.has_more) == (2000, True)


@given(count=st.integers(0, 30), limit=st.integers(1, 12))
def test_following_the_cursor_shows_every_file_once(count: int, limit: int) -> None:
    whole = files(count)
    seen: list[StoredFile] = []
    page = compatible_page(whole, {"limit": str(limit)})
    while page.has_more:
        seen += page.files
        assert len(seen) < count
        page = compatible_page(whole, {"limit": str(limit), "after": page.files[-1].id})
    assert seen + list(page.files) == whole


@given(count=st.integers(0, 30), size=st.integers(1, 12))
def test_turning_pages_shows_every_file_once(count: int, size: int) -> None:
    whole = files(count)
    pages = [
        native_page(whole, {"page_no": str(number), "page_size": str(size)}) for number in range(1, count // size + 2)
    ]
    assert [shown for page in pages for shown in page.files] == whole
    assert {page.total for page in pages} == {count}


def test_a_native_page_has_ten_files() -> None:
    assert native_page(files(11), {}).files == tuple(files(10))
    assert native_page(files(11), {"page_no": "9"}).files == ()


def test_a_cursor_need_not_match_the_filter() -> None:
    listed = [file(1), file(2, purpose="batch"), file(3)]
    page = compatible_page(listed, {"after": listed[1].id, "purpose": "file-extract"})
    assert page.files == (listed[2],)


def test_an_unknown_cursor_is_refused() -> None:
    with pytest.raises(ApiError) as refused:
        compatible_page(files(3), {"after": "file-fe-x"})
    assert (refused.value.entry.name, refused.value.params["file_id"]) == ("InvalidParameter/file-unknown", "file-fe-x")


def test_a_purpose_that_no_file_has_finds_nothing() -> None:
    assert compatible_page(files(3), {"purpose": "batch"}).files == ()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"create_after": "20250101", "create_before": "20251101"}, True),
        ({"create_after": "20251026200110"}, True),
        ({"create_after": "20251026200111"}, False),
        ({"create_after": "2025-10-26 20:01:10", "create_before": "2025-10-26 20:01:10"}, True),
        ({"create_after": "2025-10-27"}, False),
        ({"create_before": "2025-10-26"}, False),
        ({"create_before": "20251027"}, True),
        ({"create_before": "00010101"}, False),
        ({"create_after": "99991231235959"}, False),
    ],
)
def test_times_are_beijing_time(query: dict[str, str], found: bool) -> None:
    assert bool(compatible_page([file(1)], query).files) is found


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9999, 1, 1)))  # noqa: DTZ001 - Beijing
def test_the_long_forms_name_the_same_second(moment: datetime) -> None:
    second = int((moment.replace(microsecond=0, tzinfo=UTC) - timedelta(hours=8)).timestamp())
    around = [file(number, created_at=second + number) for number in (1, 0, -1)]
    year = f"{moment.year:04}"
    for form in (f"{year}%m%d%H%M%S", f"{year}-%m-%d %H:%M:%S"):
        text = moment.strftime(form)
        assert compatible_page(around, {"create_after": text, "create_before": text}).files == (around[1],)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("ten", "'limit' must be Integer"),
        ("1.5", "'limit' must be Integer"),
        ("٣", "'limit' must be Integer"),
        ("9" * 5000, "'limit' must be Integer"),
        ("0", "0 is lesser than the minimum of 1 - 'limit'"),
        ("-1", "-1 is lesser than the minimum of 1 - 'limit'"),
        ("2001", "2001 is greater than the maximum of 2000 - 'limit'"),
    ],
)
def test_a_bad_limit_is_refused(limit: str, expected: str) -> None:
    assert details("compatible", limit=limit) == expected


@pytest.mark.parametrize("name", ["create_after", "create_before"])
@pytest.mark.parametrize(
    "value",
    ["yesterday", "2025", "20251340", "2025-1-2", "20250230", "2025-11-12T10:10:10", "1761480070", "0" * 14],
)
def test_a_bad_time_is_refused_by_its_name(name: str, value: str) -> None:
    text = str(details("compatible", **{name: value}))
    assert text.startswith(f"'{value}' is not one of [")
    assert text.endswith(f" - '{name}'")


@pytest.mark.parametrize("name", ["page_no", "page_size"])
@pytest.mark.parametrize("value", ["0", "-1", "x", "1.0", "9" * 18, "9" * 5000])
def test_a_bad_page_is_refused_by_its_name(name: str, value: str) -> None:
    assert str(details("native", **{name: value})).endswith(f": {name}")


@given(
    st.sampled_from([compatible_page, native_page]),
    st.dictionaries(
        st.sampled_from(["after", "limit", "create_after", "create_before", "purpose", "page_no", "page_size", "x"]),
        st.text(alphabet="0123456789-: ab\0é", max_size=20),
    ),
)
def test_any_query_is_answered_or_refused(page: object, query: dict[str, str]) -> None:
    assert callable(page)
    shown: Sequence[StoredFile] = ()
    try:
        shown = page(files(5), query).files
    except ApiError:
        return
    assert set(shown) <= set(files(5))
