"""The dashscope SDK under test. The fixture leads the module to the emulator: the code under test knows nothing of it.

pip install dashscope-mock dashscope pytest
pytest test_dashscope_sdk.py
"""

from http import HTTPStatus

import dashscope

from mockserver import Mock


def ask(question: str) -> str:
    """The code under test."""
    answer = dashscope.Generation.call(
        model="qwen-plus", messages=[{"role": "user", "content": question}], result_format="message"
    )
    if answer.status_code != HTTPStatus.OK:
        return f"{answer.code}: {answer.message}"
    return str(answer.output.choices[0].message.content)


def test_the_answer_is_what_the_stub_says(dashscope_mock: Mock) -> None:
    dashscope_mock.on(last_user="天气").reply("今天晴，26 度。")
    assert ask("杭州的天气？") == "今天晴，26 度。"


def test_without_a_stub_the_emulator_speaks_for_itself(dashscope_mock: Mock) -> None:
    assert ask("Where is Hangzhou?")
    assert [record.model for record in dashscope_mock.journal] == ["qwen-plus"]


def test_a_refusal_is_told_to_the_user(dashscope_mock: Mock) -> None:
    dashscope_mock.on(model="qwen-plus").fail("DataInspectionFailed").once()
    assert ask("something bad").startswith("DataInspectionFailed")
    dashscope_mock.assert_clean()


def test_a_stream_is_put_together(dashscope_mock: Mock) -> None:
    dashscope_mock.on(stream=True).reply(chunks=["今天", "晴", "。"]).once()
    events = dashscope.Generation.call(
        model="qwen-plus",
        messages=[{"role": "user", "content": "天气"}],
        result_format="message",
        stream=True,
        incremental_output=True,
    )
    assert "".join(event.output.choices[0].message.content for event in events) == "今天晴。"
