"""A platform's end of a conversation, scripted: answers in, requests recorded."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping
from typing import Any, TypeVar

from activation.platforms.outcome import Outcome
from activation.platforms.publisher import Publisher
from activation.platforms.request import Answer, Request

T = TypeVar("T")

LOST = Answer(0, {}, b"")  # no answer came


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer with a JSON body, or with a text one as it is."""
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, dict(headers or {}), text.encode())


def hold(
    conversation: Generator[Request, Outcome, T], publisher: Publisher, answers: Iterable[Answer]
) -> tuple[T, list[Request]]:
    """Hold a conversation to its end with one answer per request; returns its result and the requests."""
    asked: list[Request] = []
    script = iter(answers)
    try:
        request = next(conversation)
        while True:
            asked.append(request)
            request = conversation.send(publisher.classify(request, next(script)))
    except StopIteration as end:
        assert not list(script), "the conversation ended before its script"
        result: T = end.value
        return result, asked


def sent(request: Request) -> Any:
    """Read a request's JSON body."""
    return json.loads(request.content)
