"""The demo's export, and what it says each platform should hold of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import pytest

from sandbox.demo import export
from sandbox.demo.watch import Shown, shown
from sandbox.platforms.expectation import Expectation, Member, expectations, hashed_member, held_by_schema


def by_kind(person: Mapping[str, str]) -> set[Member]:
    """Return a member for each kind of identifier, as some platforms keep them."""
    return {hashed_member({key: person[key]}) for key in ("EMAIL", "PHONE") if person.get(key)}


BY_KIND = Expectation(members=by_kind, held=held_by_schema)


def test_a_person_may_become_several_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row counts as rejected only where none of its identifiers is usable, however many members it makes."""
    monkeypatch.setattr(export, "expectations", lambda: {"by-kind": BY_KIND})
    made = export.write(2_000, 40)
    emails = [member for member in made.members["by-kind"] for key, _ in member if key == "EMAIL"]
    phones = [member for member in made.members["by-kind"] for key, _ in member if key == "PHONE"]
    rows = list(csv.reader(io.StringIO(made.body.decode())))
    assert len(rows) == 2_001
    assert 40 <= made.rejects["by-kind"] < 60  # beside the rejects, the few people of whom only a name is known
    assert max(len(emails), len(phones)) <= 2_000 - made.rejects["by-kind"] < len(emails) + len(phones)


def test_members_of_several_schemas_are_read_by_the_keys_of_their_own() -> None:
    """The rows of one schema come after those of another, and an empty cell is none."""
    audience = {
        "schemas": [{"schema": ["EMAIL"], "count": 1}, {"schema": ["PHONE", "FN"], "count": 2}],
        "members": [["a"], ["b", ""], ["", "c"]],
    }
    assert held_by_schema(audience) == {
        frozenset({("EMAIL", "a")}),
        frozenset({("PHONE", "b")}),
        frozenset({("FN", "c")}),
    }


def test_the_demo_shows_the_connectors_it_can_check() -> None:
    """In the order of the settings, those whose platform has a simulator and an expectation."""
    platforms = list(expectations())
    described = {
        "simulators": {name: f"http://{name}" for name in platforms},
        "connectors": {
            "no-simulator": {"platform": "nowhere"},
            **{f"ours-{name}": {"platform": name} for name in reversed(platforms)},
        },
    }
    assert shown(described) == [Shown(f"ours-{name}", name, f"http://{name}") for name in reversed(platforms)]
