"""Templates: what they can say, and that they can neither escape nor exhaust."""

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.stubs.stub import CallSpec, ReplySpec, StubError
from mockserver.stubs.template import LONGEST_OUTPUT, fill, render
from mockserver.stubs.view import View, view_of

BODY = {"model": "qwen-plus", "messages": [{"role": "user", "content": "天气 <b>"}, {"role": "tool", "content": "晴"}]}
VIEW = view_of(BODY, endpoint="chat", dialect="compatible", stream=True, headers={"x-city": "杭州"})


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("你问：{{ last_user }}", "你问：天气 <b>"),
        ("{{ model | upper }} {{ turn }} {{ stream }}", "QWEN-PLUS 1 True"),
        ("{% if turn is odd %}odd{% else %}even{% endif %}", "odd"),
        ("{% for m in messages %}{{ loop.index }}:{{ m.role }} {% endfor %}", "1:user 2:tool "),
        ("{{ messages | map(attribute='role') | join(', ') }}", "user, tool"),
        ("{{ headers['x-city'] }} {{ tool_results[0] }}", "杭州 晴"),
        ("{{ body.messages[0] | tojson }}", '{"role":"user","content":"天气 <b>"}'),
        ("{{ body.temperature | default('none') }}", "none"),
        ("{{ last_user | replace('天气', '新闻') }}", "新闻 <b>"),
        ("line\n", "line\n"),
    ],
)
def test_a_template_is_rendered_over_the_request(text: str, rendered: str) -> None:
    assert render(text, VIEW) == rendered


@given(
    st.text().filter(
        lambda text: not {"{{", "{%", "{#"} & {text[i : i + 2] for i in range(len(text))} and "\r" not in text
    )
)
def test_a_text_without_marks_is_itself(text: str) -> None:
    assert render(text, VIEW) == text


@given(st.text())
def test_what_the_client_says_is_never_code(text: str) -> None:
    assert render("{{ last_user }}", View(last_user=text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''.__class__ }}",
        "{{ messages.__init__ }}",
        "{{ last_user['__class__'] }}",
        "{{ last_user | attr('__class__') }}",
        "{{ messages | map(attribute='__class__') | join }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{{ config }}",
        "{{ range(9) }}",
        "{{ body.pop('model') }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends 'x' %}",
        "{% macro m() %}{% endmacro %}",
        "{% set x = 1 %}",
        "{{ last_user.format(1) }}",
        "{{ '%s' % last_user }}",
    ],
)
def test_an_escape_is_refused(text: str) -> None:
    with pytest.raises(StubError):
        render(text, VIEW)


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'x' | center(1000000000) }}",
        "{{ 1 | round(1000000000, 'ceil') }}",
        "{{ last_user | replace('a', last_user) | replace('a', last_user) }}",
        "{{ messages | join(last_user) }}",
        "{% for a in messages %}{% for b in messages %}x{% endfor %}{% endfor %}",
        "{% for a in messages %}x{% endfor %}",
        "{{ last_user }}" * 200,
        "(" * 20_000,
        "{{ " + "(" * 4000 + "1" + ")" * 4000 + " }}",
        "{{ " + "9" * 6000 + " }}",
    ],
    ids=lambda text: text[:40],
)
def test_a_huge_output_is_refused_before_it_is_made(text: str) -> None:
    big = View(last_user="a" * 50_000, messages=tuple({"role": "user"} for _ in range(2000)))
    began = time.process_time()
    with pytest.raises(StubError):
        render(text, big)
    assert time.process_time() - began < 2


@given(
    st.text(alphabet="{}%# |abs()['].ifor0+-~\n", max_size=40)
    | st.text(max_size=30).map(lambda inner: "{{" + inner + "}}")
)
def test_any_text_is_rendered_or_refused(text: str) -> None:
    with suppress(StubError):
        assert len(render(text, VIEW)) <= LONGEST_OUTPUT


@pytest.mark.parametrize(
    "text",
    ["{{ nope }}", "{{ body.nope }}", "{{ messages[9].role }}", "{{ 1 / 0 }}", "{{ turn + 'a' }}", "{{", "{% if %}"],
)
def test_what_is_not_there_is_an_error_not_an_empty_text(text: str) -> None:
    with pytest.raises(StubError, match=r"template|there is no"):
        render(text, VIEW)


def test_every_text_of_a_reply_is_filled() -> None:
    spec = ReplySpec(
        chunks=("{{ model }}", "!"),
        reasoning="{{ turn }}",
        tool_calls=(CallSpec("f", {"city": ["{{ headers['x-city'] }}", 1]}), CallSpec("g", '{"m": "{{ model }}')),
        headers={"X-Model": "{{ model }}"},
        template=True,
    )
    assert fill(spec, VIEW) == ReplySpec(
        chunks=("qwen-plus", "!"),
        reasoning="1",
        tool_calls=(CallSpec("f", {"city": ["杭州", 1]}), CallSpec("g", '{"m": "qwen-plus')),
        headers={"X-Model": "qwen-plus"},
    )


def test_a_raw_body_is_filled_and_a_plain_reply_is_left_alone() -> None:
    body: Any = {"a": ["{{ model }}", None, 2]}
    assert fill(ReplySpec(body=body, template=True), VIEW).body == {"a": ["qwen-plus", None, 2]}
    assert fill(ReplySpec(text="{{ model }}"), VIEW).text == "{{ model }}"


def test_a_header_filled_by_the_client_cannot_smuggle_another() -> None:
    spec = ReplySpec(headers={"X-Echo": "{{ last_user }}"}, template=True)
    with pytest.raises(StubError, match="line ends"):
        fill(spec, View(last_user="a\r\nSet-Cookie: b"))


def test_a_template_is_checked_when_the_reply_is_made() -> None:
    with pytest.raises(StubError, match="there is no 'modle'"):
        ReplySpec(text="{{ modle }}", template=True)
