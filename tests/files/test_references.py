"""A qwen-long request names its documents in system messages, and its messages keep the rules for that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import ApiError
from mockserver.files.limits import FileLimits
from mockserver.files.references import References, check_messages, check_total, is_reference, references
from mockserver.generation import Message

SMALL = FileLimits(max_documents=4, max_round_tokens=20, max_total_tokens=60)
ASK = "user: 讲了什么？"
ROLE = "system: You are helpful."


def talk(*lines: str) -> list[Message]:
    return [Message(role=line.partition(": ")[0], content=line.partition(": ")[2]) for line in lines]


def check(*lines: str, max_documents: int = 99) -> References:
    return check_messages(talk(*lines), count=len, limits=SMALL, max_documents=max_documents)


def refusal(*lines: str, max_documents: int = 99) -> str:
    with pytest.raises(ApiError) as refused:
        check(*lines, max_documents=max_documents)
    return refused.value.entry.name.removeprefix("InvalidParameter/")


def test_the_first_system_message_is_the_role_and_later_ones_are_documents() -> None:
    assert check(ROLE, "system: fileid://a", ASK) == References(role="You are helpful.", ids=("a",))
    assert check(ROLE, "system: fileid://a,fileid://b", ASK).ids == ("a", "b")
    assert check(ROLE, "system: fileid://a", "system: fileid://b", ASK).ids == ("a", "b")
    assert check(ROLE, "system: the text itself", ASK).texts == ("the text itself",)


def test_the_prefix_decides_before_the_position_does() -> None:
    assert check("system: fileid://a,fileid://b", ASK) == References(ids=("a", "b"))
    assert check("system: fileid://a", "system: fileid://b", ASK) == References(ids=("a", "b"))


def test_documents_may_be_added_between_turns() -> None:
    found = check(ROLE, "system: fileid://a", ASK, "assistant: 好", "system: fileid://b", "user: 比较")
    assert found == References(role="You are helpful.", ids=("a", "b"))


def test_a_request_without_documents_is_plain() -> None:
    assert check(ROLE, ASK) == References(role="You are helpful.")
    assert check(ASK) == References()
    assert check("user: fileid://a") == References()


@given(
    st.lists(st.sampled_from(["a", "b", "file-fe-1"]), min_size=1, max_size=3),
    st.sampled_from(["", " ", "\n"]),
)
def test_blanks_around_ids_do_not_count(ids: list[str], blank: str) -> None:
    content = f"{blank},{blank}".join(f"fileid://{file_id}" for file_id in ids)
    message = Message(role="system", content=f"{blank}{content}{blank}")
    assert is_reference(message)
    assert references([message]).ids == tuple(ids)


def test_ids_and_texts_do_not_mix() -> None:
    mixed = "mixed-file-and-text"
    assert refusal(ROLE, "system: fileid://a", "system: some text", ASK) == mixed
    assert refusal(ROLE, "system: some text", ASK, "assistant: 好", "system: fileid://a", ASK) == mixed
    assert refusal(ROLE, "system: fileid://a,some text", ASK) == mixed
    assert refusal("system: fileid://a", "system: late role", ASK) == mixed
    assert refusal(ROLE, "system: fileid://a,", ASK) == mixed


def test_as_many_ids_as_the_limit_are_too_many() -> None:
    ids = [f"system: fileid://{number}" for number in range(4)]
    assert len(check(ROLE, *ids[:3], ASK).ids) == 3
    assert refusal(ROLE, *ids, ASK) == "too-many-files"
    assert refusal(ROLE, "system: " + ",".join(["fileid://a"] * 4), ASK) == "too-many-files"


def test_a_hundred_ids_are_too_many() -> None:
    def ids(number: int) -> list[Message]:
        return talk(ROLE, "system: " + ",".join(["fileid://a"] * number), ASK)

    limits = FileLimits()
    assert len(check_messages(ids(99), count=len, limits=limits, max_documents=99).ids) == 99
    for most in (99, 100, 1000):
        with pytest.raises(ApiError, match="too-many-files"):
            check_messages(ids(100), count=len, limits=limits, max_documents=most)


def test_a_model_may_read_one_document_only() -> None:
    assert check(ROLE, "system: fileid://a", ASK, max_documents=1).ids == ("a",)
    assert refusal(ROLE, "system: fileid://a,fileid://b", ASK, max_documents=1) == "too-many-files"


def test_the_role_must_be_short() -> None:
    assert check(f"system: {'x' * 20}", ASK)
    assert refusal(f"system: {'x' * 21}", ASK) == "round-too-long"


def test_the_user_must_be_short_once_there_are_documents() -> None:
    long = f"user: {'x' * 21}"
    assert check(ROLE, long)
    assert refusal(ROLE, "system: fileid://a", long) == "round-too-long"
    assert refusal(ROLE, "system: text", long, "assistant: ok", ASK) == "round-too-long"


def test_a_document_may_be_long() -> None:
    assert check(ROLE, f"system: {'x' * 50}", ASK)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [ROLE],
        [ASK, ASK],
        [ASK, "assistant: ok"],
        [ASK, "assistant: a", "assistant: b", ASK],
        [ASK, "tool: 1", ASK],
        [ASK, ROLE],
    ],
    ids=lambda lines: "-".join(line.partition(":")[0] for line in lines),
)
def test_user_and_assistant_take_turns_and_the_user_is_last(lines: list[str]) -> None:
    assert refusal(*lines) == "role-specification"


def test_the_total_counts_messages_and_documents_but_no_references() -> None:
    messages = talk(f"system: {'r' * 20}", f"system: fileid://{'a' * 100}", f"user: {'u' * 20}")
    check_total(messages, ["d" * 20], count=len, limits=SMALL)
    with pytest.raises(ApiError, match="total-too-long"):
        check_total(messages, ["d" * 10, "d" * 11], count=len, limits=SMALL)


def test_counting_stops_when_the_answer_is_known() -> None:
    def count(text: str) -> int:
        assert text != "never counted"
        return len(text)

    with pytest.raises(ApiError, match="total-too-long"):
        check_total(talk(ASK), ["d" * 61, "never counted"], count=count, limits=SMALL)
