"""The check that the emulator still has the places the sandbox hooks into."""

from __future__ import annotations

import pytest

from sandbox.emulator.hook import TESTED_VERSION, Hook, MissingHookError, Table, check


def test_places_that_are_there_pass() -> None:
    """A function with the expected parameters and a dictionary with the expected keys are no fault."""
    check([Hook("json", "loads", ("s", "cls", "object_hook", "parse_float", "parse_int", "parse_constant",
                                  "object_pairs_hook", "kw")), Table("os", "__dict__", ("path",))])  # fmt: skip


@pytest.mark.parametrize(
    ("place", "named"),
    [
        (Hook("ministack.services.s3", "_gone", ()), "ministack.services.s3._gone"),
        (Hook("ministack.nowhere", "name", ()), "ministack.nowhere.name"),
        (Hook("json", "loads", ("text",)), "json.loads: parameters are now (s,"),
        (Table("os", "path"), "os.path is no longer a dictionary"),
        (Table("os", "__dict__", ("no such key",)), "os.__dict__ has no no such key"),
    ],
)
def test_a_missing_place_is_named_with_the_version(place: Hook | Table, named: str) -> None:
    """A place that is gone stops the start with its name and the version that had it."""
    with pytest.raises(MissingHookError) as raised:
        check([place])
    assert named in str(raised.value)
    assert f"ministack {TESTED_VERSION}" in str(raised.value)
