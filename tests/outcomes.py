"""What an answer says, whatever dialect and mode it came in, so that answers can be compared."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass(slots=True)
class Said:
    """One choice as a client has put it together."""

    text: str = ""
    reasoning: str = ""
    calls: dict[int, list[str]] = field(default_factory=dict)
    """Id, name and arguments by the call's index."""
    logprobs: list[Any] = field(default_factory=list)
    finish: str = ""


@dataclass(slots=True)
class Outcome:
    """A whole answer. `tokens` are (in, out, total, reasoning)."""

    choices: dict[int, Said] = field(default_factory=dict)
    tokens: tuple[Any, ...] = (0, 0, 0, 0)

    @property
    def only(self) -> Said:
        """The one choice."""
        (said,) = self.choices.values()
        return said

    def add(self, index: int, message: dict[str, Any], logprobs: Any, finish: str | None) -> None:
        """Take in what is new of one choice."""
        said = self.choices.setdefault(index, Said())
        said.text += message.get("content") or ""
        said.reasoning += message.get("reasoning_content") or ""
        for call in message.get("tool_calls", ()):
            known = said.calls.setdefault(call["index"], ["", "", ""])
            function = call["function"]
            news = (call["id"], function.get("name", ""), function["arguments"])
            known[:] = [old + new for old, new in zip(known, news, strict=True)]
        said.logprobs += (logprobs or {}).get("content", ())
        if finish not in (None, "null", ""):
            assert not said.finish
            said.finish = str(finish)

    def bill(self, usage: dict[str, Any] | None) -> None:
        """Take in the latest usage, of either dialect."""
        if usage:
            given = usage.get("input_tokens", usage.get("prompt_tokens"))
            out = usage.get("output_tokens", usage.get("completion_tokens"))
            details = usage.get("output_tokens_details", usage.get("completion_tokens_details"))
            self.tokens = (given, out, usage["total_tokens"], (details or {}).get("reasoning_tokens", 0))


def events(response: httpx.Response) -> list[dict[str, Any]]:
    """The data of a stream's events, without the end marker."""
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in response.content.decode().split("\n") if line.startswith("data:")]
    return [json.loads(line[5:]) for line in lines if line[5:].strip() != "[DONE]"]


def native_json(response: httpx.Response) -> Outcome:
    """A native answer."""
    return _native([response.json()])


def native_incremental(response: httpx.Response) -> Outcome:
    """A native stream whose events carry what is new."""
    return _native(events(response))


def native_full(response: httpx.Response) -> Outcome:
    """A native stream whose events carry all so far: the last event of each choice is the answer."""
    latest = {index: event for event in events(response) for index, _ in _choices(event)}
    return _native(sorted(latest.values(), key=lambda event: int(event["usage"]["total_tokens"])))


def _native(found: list[dict[str, Any]]) -> Outcome:
    outcome = Outcome()
    for event in found:
        for index, choice in _choices(event):
            outcome.add(index, choice["message"], choice.get("logprobs"), choice["finish_reason"])
        outcome.bill(event["usage"])
    return outcome


def _choices(event: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    output = event["output"]
    if "text" in output:
        return [(0, {"message": {"content": output["text"]}, "finish_reason": output["finish_reason"]})]
    return [(choice.get("index", 0), choice) for choice in output["choices"]]


def compatible_json(response: httpx.Response) -> Outcome:
    """A compatible answer."""
    outcome, answer = Outcome(), response.json()
    for choice in answer["choices"]:
        outcome.add(choice["index"], choice["message"], choice["logprobs"], choice["finish_reason"])
    outcome.bill(answer["usage"])
    return outcome


def compatible_stream(response: httpx.Response) -> Outcome:
    """A compatible stream, with usage if it was asked for. A stream of calls may end without a reason."""
    outcome = Outcome()
    for event in events(response):
        for choice in event["choices"]:
            finish = choice.get("finish_reason")
            outcome.add(choice["index"], choice["delta"], choice.get("logprobs"), finish)
        outcome.bill(event["usage"])
    return outcome
