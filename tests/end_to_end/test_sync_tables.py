"""Rows of a table of configurations, deployed: filled, written back to, changed, and stopped."""

from __future__ import annotations

import json
import os
import re
import signal

import pytest

from sandbox.demo.audiences import change, empty, is_filled
from sandbox.demo.group import group
from sandbox.postgres.cdp import SYSTEMS
from tests.end_to_end.line import Line

CUSTOMERS = 3_000


@pytest.mark.faults
def test_rows_of_a_table_are_filled_and_show_what_became_of_them(meta: Line) -> None:
    """A row whose account the token cannot reach says so, and is filled once it can; the others at once.

    Then exactly those move who should, and a source that has lost its customers sends nothing.
    """
    with group(meta.sandbox.described) as one:
        one.prepare(CUSTOMERS, reached=("kangoo", "nube"))
        for worker in meta.sandbox.all_workers():  # which may still know the login of another test
            if "Sync" in worker["function"] and not worker["in_flight"]:
                os.kill(worker["pid"], signal.SIGKILL)
        one.apply()
        rows = one.run_now(*SYSTEMS)
        assert rows["brio"].sync_status == "blocked"
        assert rows["brio"].error_log
        assert all(is_filled(one, rows[system]) for system in ("kangoo", "nube"))
        one.grant(tuple(SYSTEMS))
        assert is_filled(one, one.run_now("brio")["brio"])
        assert change(one).exact
        stopped, explained = empty(one)
        assert stopped, explained
        shown = json.dumps([vars(row) for row in one.table().values()])
        assert "example.com" not in shown
        assert re.search(r"[0-9a-f]{64}|40[0-9]{6}", shown) is None  # a hash, or a customer's phone number
