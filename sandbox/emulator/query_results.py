"""Athena's results where Athena writes them: the emulator takes the result's own key for a folder."""

from __future__ import annotations

from typing import Any

from ministack.services import athena

from sandbox.emulator.hook import Function, Hook

_SAVE = Hook("ministack.services.athena", "_save_query_results", ("query_id",))

HOOKS: tuple[Hook, ...] = (_SAVE,)


def install() -> None:
    """Write `<location>/<id>.csv`, as OutputLocation names it, not `<location>/<id>.csv/<id>.csv`."""
    _SAVE.replace(_saved)


def _saved(original: Function) -> Function:
    async def save(query_id: str) -> Any:
        # The original joins this location and the id. It waits for nothing, so that no caller sees the change.
        where = athena._executions[query_id]["ResultConfiguration"]
        whole = where["OutputLocation"]
        where["OutputLocation"] = whole.rpartition("/")[0]
        try:
            return await original(query_id)
        finally:
            where["OutputLocation"] = whole

    return save
