"""Objects with many records, as Firehose writes them; the emulator would write one object per record."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from sandbox.emulator.hook import Function, Hook, Table

_FIREHOSE = "ministack.services.firehose"
_ACTIONS = Table(_FIREHOSE, "_HANDLERS", ("PutRecordBatch",))
_DELIVER = Hook(_FIREHOSE, "_deliver_records_to_s3", ("stream", "dest", "records"))

HOOKS: tuple[Hook | Table, ...] = (_ACTIONS, Hook(_FIREHOSE, "_put_record_batch", ("data",)), _DELIVER)

# Processors that look at each record separately.
_RECORD_BY_RECORD = (
    "DynamicPartitioningConfiguration",
    "DataFormatConversionConfiguration",
    "ProcessingConfiguration",
)

Held = list[tuple[dict[str, Any], dict[str, Any], list[tuple[str, bytes]]]]
_held: ContextVar[Held | None] = ContextVar("records of the current call", default=None)


def install() -> None:
    """Write the records of one call as one object."""
    _DELIVER.replace(_kept)
    actions = _ACTIONS.entries()
    actions["PutRecordBatch"] = _at_once(actions["PutRecordBatch"])


def _at_once(original: Function) -> Function:
    def put(data: dict[str, Any]) -> Any:
        token = _held.set([])
        try:
            answer = original(data)
            held = _held.get() or []
        finally:
            _held.reset(token)
        targets = {id(dest): (stream, dest) for stream, dest, _ in held}
        for key, (stream, dest) in targets.items():
            records = [record for _, one, found in held if id(one) == key for record in found]
            _DELIVER.current()(stream, dest, [(records[0][0], b"".join(data for _, data in records))])
        return answer

    return put


def _kept(original: Function) -> Function:
    def deliver(stream: dict[str, Any], dest: dict[str, Any], records: list[tuple[str, bytes]]) -> None:
        held = _held.get()
        if held is None or any(dest["config"].get(name) for name in _RECORD_BY_RECORD):
            original(stream, dest, records)
        else:
            held.append((stream, dest, records))

    return deliver
