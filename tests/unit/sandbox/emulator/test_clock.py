"""Time that passes in the queues when somebody says so."""

from __future__ import annotations

from typing import Any

import requests

from tests.unit.sandbox.emulator.driver import Emulator


def _clock(emulator: Emulator) -> Any:
    return requests.get(f"{emulator.url}/_clock", timeout=5).json()


def test_a_hidden_message_is_seen_once_its_time_has_passed(emulator: Emulator) -> None:
    """A delay and a visibility timeout end when the clock is moved behind them, and not before."""
    url, _ = emulator.queue(VisibilityTimeout="1800")
    emulator.client("sqs").send_message(QueueUrl=url, MessageBody="later", DelaySeconds=600)
    assert 590 < _clock(emulator)["hidden"][url] <= 600
    requests.post(f"{emulator.url}/_clock", json={"advance_s": 500}, timeout=5).raise_for_status()
    assert emulator.receive(url, within_s=0) == []
    requests.post(f"{emulator.url}/_clock", json={"advance_s": 100}, timeout=5).raise_for_status()
    assert [message["Body"] for message in emulator.receive(url)] == ["later"]
    assert url not in _clock(emulator)["hidden"]


def test_a_clock_that_is_told_nonsense_does_not_move(emulator: Emulator) -> None:
    """What is no number of seconds is refused."""
    assert requests.post(f"{emulator.url}/_clock", json={"ahead": "much"}, timeout=5).status_code == 400
