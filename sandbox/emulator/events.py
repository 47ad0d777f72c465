"""S3's events as AWS sends them to EventBridge: with the version id, archived, and replayed to chosen rules."""

from __future__ import annotations

import json
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from ministack.services import eventbridge

from sandbox.emulator.hook import Function, Hook

_EVENTS = "ministack.services.eventbridge"
_FIRE = Hook(
    "ministack.services.s3",
    "_fire_s3_event",
    (
        "bucket_name",
        "key",
        "event_name",
        "size",
        "etag",
        "deletion_type",
        "restore_event_data",
        "version_id",
        "sequencer",
        "object_extra",
        "record_extra",
    ),
)
_DISPATCH = Hook(_EVENTS, "_dispatch_event", ("event", "view"))
_TARGET = Hook(_EVENTS, "_invoke_target", ("target", "event", "rule", "view"))

HOOKS = (_FIRE, _DISPATCH, _TARGET, Hook(_EVENTS, "_archive_event", ("event", "view")))

_version: ContextVar[str | None] = ContextVar("version of the object the event is about", default=None)


def install() -> None:
    """Add the version id to events, archive them; limit replays to the rules they name, note how far they are."""
    _FIRE.replace(_remember_version)
    _DISPATCH.replace(_complete_and_archive)
    _TARGET.replace(_only_replayed_to)


def _remember_version(original: Function) -> Function:
    def fire(*arguments: Any, version_id: str | None = None, **named: Any) -> None:
        token = _version.set(version_id)
        try:
            original(*arguments, version_id=version_id, **named)
        finally:
            _version.reset(token)

    return fire


def _complete_and_archive(original: Function) -> Function:
    def dispatch(event: dict[str, Any], view: Any = None) -> None:
        # Only S3 itself gets here with its source: PutEvents refuses aws.* sources, replays carry their name, and
        # what a rule forwards to another bus is archived there by the forwarder.
        first_hand = event.get("Source") == "aws.s3" and not event.keys() & {"ReplayName", "_DispatchPath"}
        if not first_hand:
            original(event, view)
            if replay := eventbridge._replays.get(event.get("ReplayName", "")):
                replay["EventLastReplayedTime"] = event["Time"]
            return
        event = _as_aws_sends_it(event)
        original(event)
        eventbridge._archive_event(event)

    return dispatch


def _as_aws_sends_it(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event with the version id, and with the time in whole seconds, which replays compare."""
    detail = json.loads(event["Detail"])
    version = _version.get()
    if version:
        detail["object"]["version-id"] = version
    time = event["Time"]
    if isinstance(time, str):
        time = int(datetime.fromisoformat(time).timestamp())
    return {**event, "Detail": json.dumps(detail), "Time": time}


def _only_replayed_to(original: Function) -> Function:
    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        replay = eventbridge._replays.get(event.get("ReplayName", "")) or {}
        chosen = replay.get("Destination", {}).get("FilterArns")
        if not chosen or rule.get("Arn") in chosen:
            original(target, event, rule, view)

    return invoke
