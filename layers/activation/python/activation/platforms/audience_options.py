"""Options of one audience: which a platform knows, what they may be, and how they are read.

A platform declares its own in Platform.own_audience_options; `shared`, `guard` and `consent` are every platform's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from activation.audience_options import NO_OPTIONS, AudienceOptions, GuardOptions, LimitedDataUse
from activation.identifiers.row_rules import Signals, read_rule, rule_mistakes, written
from activation.platforms.options import BooleanOption, Option, TextOption, problems

ID = "id"  # of an audience at its platform, as files and settings call it
SCHEMA_KEY = "$schema"  # by which an editor finds the schema of a file; it says nothing of the audience
PERCENT = r"(?:100|[0-9]{1,2}(?:\.[0-9]{1,3})?)%"
STOP, ALLOW = "stop", "allow"
_PERCENT_OF_ALL = 100.0

SHARED = BooleanOption("shared", False, "Others add and remove people, too: a mirror never replaces the audience.")


@dataclass(frozen=True)
class LimitedDataUseOption:
    """Limited use of the people's data: true, false, or the numbers of a country and a state that a platform has.

    `places` are the pairs of numbers that may be named.
    """

    places: tuple[tuple[int, int], ...]
    meaning: str
    name: str = "limited_data_use"
    default: bool = False

    def problem(self, value: object) -> str:
        """Return what `value` must be instead, "" when it fits."""
        if isinstance(value, bool):
            return ""
        if isinstance(value, Mapping) and value.keys() == {"country", "state"}:
            numbers = (value["country"], value["state"])
            if not any(isinstance(one, bool) for one in numbers) and numbers in self.places:
                return ""
        pairs = " or ".join(f'{{"country": {country}, "state": {state}}}' for country, state in self.places)
        return f"must be true, false or {pairs}"


@dataclass(frozen=True)
class GuardOption:
    """When a mirror waits for approval: `empty`, `leave` and `shrink`, each optional."""

    name: str = "guard"
    default: bool = False
    meaning: str = (
        "When a mirror waits for approval: a drop without rows (empty), more members leaving than this (leave), or"
        " an audience smaller by more than this (shrink)."
    )

    def problem(self, value: object) -> str:
        """Return what `value` must be instead, "" when it fits."""
        fits = {"empty": _is_word, "leave": _is_share, "shrink": _is_share}
        if isinstance(value, Mapping) and all(key in fits and fits[key](one) for key, one in value.items()):
            return ""
        return f'must be an object of "empty" ({STOP} or {ALLOW}), "leave" and "shrink" (a share: 0.3 or "30%")'


@dataclass(frozen=True)
class ConsentOption:
    """Which rows may be sent to the audience: a rule of consent, see identifiers/row_rules.py.

    `signals` are what the platform may be told of consent.
    """

    signals: Signals = field(default_factory=dict)
    name: str = "consent"
    default: bool = False
    meaning: str = (
        "Which rows may be sent to this audience, by a column of consent; the connector's own rule holds as well."
    )

    def problem(self, value: object) -> str:
        """Return what `value` must be instead, "" when it fits."""
        if not isinstance(value, Mapping) or not value:
            return 'must be {"column": ..., "allow": [...]}, as in a connector\'s settings'
        return "; ".join(f"{key}: {mistake}" for key, mistake in rule_mistakes(value, self.signals).items())


GUARD, CONSENT = GuardOption(), ConsentOption.name


def id_option(pattern: str, form: str) -> TextOption:
    """Return the option `id`, a text that matches the whole of `pattern`; `form` describes that in words."""
    return TextOption(ID, pattern, form, "", "The audience's id at the platform, in place of its name.")


def description_option() -> TextOption:
    """Return the option `description`."""
    return TextOption(
        "description",
        r"[^\x00-\x1f\x7f]{1,500}",
        "a text of 1 to 500 characters on one line",
        "",
        "What an audience that is created says of itself.",
    )


def option_mistakes(options: Sequence[Option], given: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with what is said of an audience, by option; empty when all fits."""
    return problems(options, {name: value for name, value in given.items() if name != SCHEMA_KEY})


def read_options(given: Mapping[str, Any]) -> AudienceOptions:
    """Return what is said of an audience, in which `option_mistakes` finds nothing."""
    limited, guard = given.get("limited_data_use"), given.get("guard")
    return AudienceOptions(
        audience_id=given.get(ID, NO_OPTIONS.audience_id),
        description=given.get("description", NO_OPTIONS.description),
        retention_days=given.get("retention_days", NO_OPTIONS.retention_days),
        customer_file_source=given.get("customer_file_source", NO_OPTIONS.customer_file_source),
        value_based=given.get("value_based", NO_OPTIONS.value_based),
        opt_out_link=given.get("opt_out_link", NO_OPTIONS.opt_out_link),
        limited_data_use=_limited(limited) if limited else None,
        shared=given.get("shared", NO_OPTIONS.shared),
        guard=None if guard is None else _guard(guard),
        consent=read_rule(given.get(CONSENT, {})),
    )


def shown_options(options: AudienceOptions) -> dict[str, Any]:
    """Return options as a receipt shows them: by the names that files use, without those that say nothing."""
    found: dict[str, Any] = {
        (ID if name == "audience_id" else name): value
        for name, value in asdict(options).items()
        if getattr(options, name) != getattr(NO_OPTIONS, name)
    }
    if options.limited_data_use == LimitedDataUse():
        found["limited_data_use"] = True
    if options.consent:
        found[CONSENT] = written(options.consent)
    if options.guard is not None:
        found["guard"] = {name: one for name, one in asdict(options.guard).items() if one is not None}
    return found


def _limited(given: bool | Mapping[str, int]) -> LimitedDataUse:
    return (
        LimitedDataUse() if isinstance(given, bool) else LimitedDataUse(int(given["country"]), int(given["state"]))
    )


def _guard(given: Mapping[str, Any]) -> GuardOptions:
    shares = {name: _share(given[name]) for name in ("leave", "shrink") if name in given}
    return GuardOptions(given.get("empty"), **shares)


def _share(given: str | float) -> float:
    return float(given[:-1]) / _PERCENT_OF_ALL if isinstance(given, str) else float(given)


def _is_word(value: object) -> bool:
    return value in (STOP, ALLOW)


def _is_share(value: object) -> bool:
    if isinstance(value, str):
        return re.fullmatch(PERCENT, value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
