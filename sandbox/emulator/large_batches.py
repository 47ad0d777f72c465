"""Batches of more than ten messages for a function, as Lambda sends from standard queues."""

from __future__ import annotations

from typing import Any

from ministack.services import sqs

from sandbox.emulator.hook import Function, Hook

_RECEIVE = Hook("ministack.services.sqs", "_receive_messages_for_esm", ("queue_url", "max_number"))

HOOKS = (_RECEIVE, Hook("ministack.services.sqs", "_get_q", ("url", "action")))

# The size of an invocation: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html (2026-11-22).
_MAX_BYTES = 6 * 2**20
_MAX_FROM_FIFO = 10


def install() -> None:
    """Receive repeatedly until the batch is as large as the mapping asks for."""
    _RECEIVE.replace(_filled)


def _filled(original: Function) -> Function:
    def receive(queue_url: str, max_number: int) -> list[dict[str, Any]]:
        batch: list[dict[str, Any]] = []
        wanted = min(max_number, _MAX_FROM_FIFO) if sqs._get_q(queue_url).get("is_fifo") else max_number
        # A message is at most a megabyte, and up to twice that as JSON in JSON: leave room for ten more each time.
        while len(batch) < wanted and 2 * sum(len(one["body"]) for one in batch) < _MAX_BYTES // 2:
            received = original(queue_url, wanted - len(batch))
            batch += received
            if not received:
                break
        return batch

    return receive
