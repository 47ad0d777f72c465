"""What tests have to know of each simulated platform: its calls, its refusals, and how it shows whom it holds.

A module of this package is called like its platform and holds one DIALECT. It is found by its name, so that a new
platform needs no line anywhere else.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from sandbox.place import ROOT
from sandbox.platforms.expectation import Expectation, Member
from tests.end_to_end.people import Person


def refused(call: Mapping[str, Any]) -> bool:
    """Whether a call of the journal was answered with a refusal: by its HTTP status, or by a code in the note."""
    return bool(call["status"]) and (call["status"] != 200 or call["note"].get("code", 0) != 0)


@dataclass(frozen=True)
class Dialect:
    """One platform.

    `expected` says which members people become, and reads those an audience holds. `upload` is the route of calls
    that carry members, `uploads` how many of them a batch of people with e-mail address and phone number becomes.

    `says` are refusals by what they mean, as lines of a simulator's script; they answer uploads where they name no
    route. Every platform has "server", "throttled" and "too_large". One that can be asked whether an upload has
    arrived has "cannot_tell", the answer that leaves it open.

    `states` are settings of the simulator by what they stand for: "expired" (the credentials are refused),
    "without rights" (they are good, but the account is not theirs to change), and "good", which ends both.
    `new_token` returns a secret with the given token in place of its own, and the settings that make it the only
    good one; None where access tokens are not in the secret. `calm` are settings under which nothing is in the way
    of a few people.

    `throttles` is how many refusals in a row outlast an invocation, `patience_s` how long the connector waits for
    an answer, and `follow_ups` how often a run goes on after its last upload, to ask what became of it. `refuses`
    tells whether a call of the journal was answered with a refusal of the platform's own.
    """

    platform: str
    expected: Expectation
    upload: str
    says: Mapping[str, Mapping[str, Any]]
    states: Mapping[str, Mapping[str, Any]]
    throttles: int
    patience_s: float
    uploads: int = 1
    follow_ups: int = 0
    new_token: Callable[[Mapping[str, Any], str], tuple[dict[str, Any], dict[str, Any]]] | None = None
    calm: Mapping[str, Any] = field(default_factory=dict)
    refuses: Callable[[Mapping[str, Any]], bool] = refused

    def members(self, person: Person) -> set[Member]:
        """Return the members that a person becomes."""
        return self.expected.members(person.identifiers)

    def knows(self, word: str) -> bool:
        """Whether the platform has that refusal or state, or is given its token by "new_token"."""
        return word in self.says or word in self.states or (word == "new_token" and self.new_token is not None)


@cache
def dialects() -> dict[str, Dialect]:
    """Return the dialect of every platform that has one, by the platform's name.

    Raises TypeError naming a module whose DIALECT is none, or another platform's.
    """
    return {one.name: _dialect(one.name) for one in pkgutil.iter_modules(__path__)}


def configured() -> dict[str, Dialect]:
    """Return the dialects of the connectors in the settings, in their order, those without one left out."""
    settings = json.loads((ROOT / "cdk.context.json").read_text())["audience_activation"]
    found = dialects()
    return {one["name"]: found[one["platform"]] for one in settings["connectors"] if one["platform"] in found}


def _dialect(platform: str) -> Dialect:
    module = import_module(f"{__name__}.{platform}")
    found = getattr(module, "DIALECT", None)
    if not isinstance(found, Dialect) or found.platform != platform:
        raise TypeError(f"{module.__name__}.DIALECT has to be the Dialect of {platform}")
    return found
