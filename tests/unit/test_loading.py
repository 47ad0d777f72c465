"""Modules are loaded without the garbage collector, which works as before afterwards."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest
from activation.loading import uncollected

from tests.sdk_calls import ROOT

HANDLERS = sorted(
    f"lambdas.{path.parent.name}.handler"
    for path in (ROOT / "lambdas").glob("*/handler.py")
    if "uncollected" in path.read_text(encoding="utf-8")
)
COUNTS = """
import gc, sys
collections = []
gc.callbacks.append(lambda phase, info: collections.append(info["generation"]))
import {handler}
print(len(collections), gc.isenabled(), gc.get_freeze_count() > 10_000)
"""


def load_and_fail() -> None:
    """Load something that is not there."""
    with uncollected():
        assert not gc.isenabled()
        raise ImportError


def test_the_collector_works_again_after_a_load_that_failed() -> None:
    """The function's next start would otherwise be one without it."""
    with pytest.raises(ImportError):
        load_and_fail()
    assert gc.isenabled()
    gc.unfreeze()


@pytest.mark.parametrize("handler", HANDLERS)
def test_no_handlers_load_is_interrupted(handler: str) -> None:
    """What it has loaded by then is left alone by later collections."""
    done = subprocess.run(
        [sys.executable, "-c", COUNTS.format(handler=handler)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    before, enabled, frozen = done.stdout.split()
    assert int(before) < 10  # of the interpreter's own start
    assert (enabled, frozen) == ("True", "True")


def test_the_functions_that_start_often_are_loaded_so() -> None:
    """Those of connectors and of the sync, which load the most."""
    assert [one.split(".")[1] for one in HANDLERS] == ["meta", "meta_conversions", "snapchat", "sync", "tiktok"]
