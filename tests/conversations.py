"""Strategies for requests that the service accepts, the same for both dialects, and the calls they become."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from mockserver.models import Model, models

MODELS = [
    model
    for model in models("2026").values()
    if model.endpoint == "text-generation" and model.compatible and not model.documents
]
PLAIN = [model for model in MODELS if model.thinking == "no"]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_current_weather",
            "description": "查询指定城市的天气 weather",
            "parameters": {
                "type": "object",
                "properties": {
                    "location": {"type": "string", "description": "城市"},
                    "unit": {"enum": ["celsius", "fahrenheit"]},
                    "days": {"type": "integer", "minimum": 1, "maximum": 14},
                },
                "required": ["location"],
            },
        },
    },
    {"type": "function", "function": {"name": "get_current_time", "description": "当前时间 time now"}},
]
QUESTIONS = [
    "请问 1+1 是多少？",
    "北京和上海未来3天的天气怎么样？",
    "What time is it, and what is the weather in Paris?",
    "推荐一个附近的公园 🏞️👨‍👩‍👧‍👦",
    'Write a haiku about \\ "quotes" and \n newlines.',
    "用 json 格式列出三种水果 as json",
]
SCHEMA = {
    "type": "object",
    "properties": {
        "水果": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "n": {"type": "number"},
    },
    "required": ["水果", "n"],
    "additionalProperties": False,
}
FORMATS = [
    {"type": "text"},
    {"type": "json_object"},
    {"type": "json_schema", "json_schema": {"name": "fruit", "schema": SCHEMA}},
]

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
texts = st.sampled_from(QUESTIONS) | st.builds("{}{}".format, st.sampled_from(QUESTIONS), words)
stops = st.lists(st.sampled_from(["。", "，", "的", " ", ".", "e", "\n", "公园", '"', "}"]), max_size=3) | st.lists(
    st.sampled_from([[108386], [37763, 367], [1773], [99]]), min_size=1, max_size=2
)


@dataclass(frozen=True, slots=True)
class Case:
    """One request before it is put into a dialect. `parameters` hold what both dialects call the same."""

    model: Model
    messages: list[dict[str, Any]]
    parameters: dict[str, Any]

    @property
    def thinking(self) -> bool:
        """Whether the model will think."""
        default = self.model.thinking in ("hybrid_on", "only")
        return bool(self.parameters.get("enable_thinking", default))

    @property
    def forced(self) -> bool:
        """Whether a tool is forced by its name."""
        return isinstance(self.parameters.get("tool_choice"), dict)

    @property
    def answers_json(self) -> bool:
        """Whether the model answers this without a stream."""
        return not (self.model.stream_only or (self.thinking and self.model.thinking_needs_stream))

    def native(self, **more: Any) -> dict[str, Any]:
        """As a native body."""
        shape = {"result_format": "message"}
        return {
            "model": self.model.name,
            "input": {"messages": self.messages},
            "parameters": {**shape, **self.parameters, **more},
        }

    def compatible(self, **more: Any) -> dict[str, Any]:
        """As a compatible body."""
        return {"model": self.model.name, "messages": self.messages, **self.parameters, **more}


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Messages: perhaps a system message, earlier turns, a question, perhaps the opening of an answer."""
    system = [{"role": "system", "content": draw(texts)}] if draw(st.booleans()) else []
    turns = draw(st.lists(st.tuples(texts, words), max_size=2))
    history = [
        message
        for question, answer in turns
        for message in (
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        )
    ]
    return [*system, *history, {"role": "user", "content": draw(texts)}]


@st.composite
def cases(draw: st.DrawFn, among: list[Model] = MODELS) -> Case:
    """A request that both dialects accept in at least one mode."""
    kind = draw(st.sampled_from(sorted({model.thinking for model in among})))
    model = draw(st.sampled_from([model for model in among if model.thinking == kind]))
    parameters: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "seed": st.integers(0, 2**63 - 1),
                "stop": stops,
                "max_tokens": st.integers(1, 40),
                "n": st.integers(1, 3),
                "temperature": st.floats(0, 1.9),
                "top_p": st.floats(0.01, 1),
            },
        )
    )
    if model.thinking.startswith("hybrid") and draw(st.booleans()):
        parameters["enable_thinking"] = draw(st.booleans())
    case = Case(model, draw(conversations()), parameters)
    if case.thinking:
        _add(draw, parameters, {"thinking_budget": st.integers(1, 30)})
        _add(draw, parameters, {"max_completion_tokens": st.integers(31, 90)})
    if model.logprobs:
        _add(draw, parameters, {"logprobs": st.just(True), "top_logprobs": st.integers(0, 5)})
    if model.tools and draw(st.booleans()):
        _add_tools(draw, case)
    elif not case.thinking:
        _add_format(draw, case)
    return case


def _add(draw: st.DrawFn, parameters: dict[str, Any], optional: dict[str, st.SearchStrategy[Any]]) -> None:
    if draw(st.booleans()):
        parameters.update({name: draw(strategy) for name, strategy in optional.items()})


def _add_tools(draw: st.DrawFn, case: Case) -> None:
    forced = {"type": "function", "function": {"name": "get_current_weather"}}
    choices = ["auto", "none"] if case.thinking else ["auto", "none", "required", forced]
    case.parameters["tools"] = TOOLS
    _add(draw, case.parameters, {"tool_choice": st.sampled_from(choices)})
    _add(draw, case.parameters, {"parallel_tool_calls": st.booleans()})


def _add_format(draw: st.DrawFn, case: Case) -> None:
    known = [FORMATS[0]]
    if case.model.json_object and "json" in str(case.messages):
        known.append(FORMATS[1])
    if case.model.json_schema:
        known.append(FORMATS[2])
    _add(draw, case.parameters, {"response_format": st.sampled_from(known)})
