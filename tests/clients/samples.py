"""What the client tests say, and what they look for in the answers."""

from typing import Any

QUESTION = "What is the weather in Hangzhou?"
MESSAGES: list[Any] = [{"role": "user", "content": QUESTION}]
JSON_MESSAGES: list[Any] = [{"role": "user", "content": "Describe the weather in Hangzhou as json."}]

WEATHER_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The current weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "the name of the city"}},
            "required": ["city"],
        },
    },
}
CLOCK_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "The time of day in a time zone",
        "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
    },
}
TOOLS: list[Any] = [CLOCK_TOOL, WEATHER_TOOL]
CITY_ARGUMENTS = {"city": "Hangzhou"}

CITY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}
CITY_FORMAT: Any = {
    "type": "json_schema",
    "json_schema": {"name": "city", "schema": CITY_SCHEMA, "strict": True},
}

FILE_EXTRACT: Any = "file-extract"
"""DashScope's own purpose, which the types of the openai SDK do not know."""
DOCUMENT = "The X1 has a 6.7 inch display.\nIts battery holds 5000 mAh.\nIt costs 4599 yuan.\n"
DOCUMENT_QUESTION = "How much does the battery hold?"

TOO_MANY_TOKENS = 10**9
KEY_REFUSED = "Incorrect API key provided."
TOKENS_REFUSED = "Range of max_tokens should be [1, 32768]"
ENGINE_PREFIX = "<400> InternalError.Algo.InvalidParameter: "


def about(file_id: str) -> list[Any]:
    """The messages that ask about an uploaded document."""
    return [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "system", "content": f"fileid://{file_id}"},
        {"role": "user", "content": DOCUMENT_QUESTION},
    ]


Sdk = Any
"""The dashscope module; its annotations are too wide to be read from."""
