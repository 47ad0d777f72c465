"""Read a mapping file: every mistake is reported at once, and nothing is read with one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from activation.drops import encodings
from activation.drops.quotes import Escape
from activation.identifiers.column_map import DATE_ORDERS
from activation.identifiers.countries import country_code
from activation.identifiers.row_rules import NO_RULE, RowRule, Scope, read_rule, rule_mistakes
from activation.identifiers.table import Context
from activation.identifiers.zones import zone_named
from activation.model import EVENTS, Action

from glue_scripts.normalize.conditions import condition_of
from glue_scripts.normalize.errors import BadMapping
from glue_scripts.normalize.mapping import (
    EVERY_ROW,
    ROWS_PER_PART,
    Aggregate,
    AudienceMapping,
    Complete,
    Condition,
    Derive,
    Derived,
    Function,
    Input,
    Output,
    OutputFormat,
    Period,
    Target,
)
from glue_scripts.normalize.mapping_checks import KINDS, mistakes_between

FORMATS = ("csv", "tsv", "jsonl", "parquet")
ESCAPES = (Escape.DOUBLED.value, Escape.BACKSLASH.value)
LONGEST_NAME, MOST_ENTRIES = 200, 200
LEAST_PART, MOST_PART = 1, 5_000_000
# A part of a key, which is a folder's name on this machine too.
PART = r"(?!\.\.?$)[^/\x00-\x1f\x7f]*[^/\s\x00-\x1f\x7f][^/\x00-\x1f\x7f]*"
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
KEYS = (
    *("$schema", "name", "input", "derived", "filters", "consent", "group_by", "aggregates", "having", "columns"),
    *("default_country", "date_order", "time_zone", "target", "output"),
)
INPUT_KEYS = ("format", "delimiter", "encoding", "escape", "null", "complete")
TARGET_KEYS = ("platform", "connector", "audience", "action")
OUTPUT_KEYS = ("identifiers", "format", "rows_per_part", "event_id", "deduplicate")
E_ = TypeVar("E_", bound=StrEnum)


def read_mapping(text: str | bytes) -> AudienceMapping:
    """Return the mapping that a file holds; raises BadMapping with every mistake that shows without the export."""
    repeated: list[str] = []
    try:
        document = json.loads(text, object_pairs_hook=partial(_object_of, repeated))
    except (ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadMapping([f"the file is not JSON{line}"]) from None
    if not isinstance(document, dict):
        raise BadMapping(["the file is not one JSON object"])
    reader = _Reader([f"the key {name[:LONGEST_NAME]!r} is twice in one object" for name in repeated])
    mapping = reader.whole(document)
    if mistakes := [*reader.mistakes, *mistakes_between(mapping)]:
        raise BadMapping(mistakes)
    return mapping


@dataclass
class _Reader:
    """Reads parts of the document; what is wrong gathers in `mistakes`."""

    mistakes: list[str] = field(default_factory=list)

    def whole(self, given: Mapping[str, Any]) -> AudienceMapping:
        self._known("", given, KEYS)
        return AudienceMapping(
            target=self._target(self._object("target", given, required=True), is_there="target" in given),
            output=self._output(self._object("output", given, required=True), is_there="output" in given),
            columns=self._columns(self._object("columns", given)),
            name=self._text("name", given.get("name", ""), NAME, "letters, digits, - and _", optional=True),
            input=self._input(self._object("input", given)),
            derived=self._derived(self._object("derived", given)),
            filters=self._conditions("filters", given.get("filters", [])),
            consent=self._consent(self._object("consent", given), is_there=isinstance(given.get("consent"), dict)),
            group_by=self._names("group_by", given.get("group_by", [])),
            aggregates=self._aggregates(self._object("aggregates", given)),
            having=self._conditions("having", given.get("having", [])),
            context=self._context(given),
        )

    def _say(self, place: str, what: str) -> None:
        self.mistakes.append(f"{place}: {what}" if place else what)

    def _known(self, place: str, given: Mapping[str, Any], known: Collection[str]) -> None:
        for name in given:
            if name not in known:
                inside = f"{place}." if place else ""
                self._say(f"{inside}{name[:LONGEST_NAME]}", f"no such key (known: {', '.join(known)})")

    def _object(self, name: str, given: Mapping[str, Any], *, required: bool = False) -> Mapping[str, Any]:
        if name not in given:
            if required:
                self._say(name, "is missing")
            return {}
        found = given[name]
        if isinstance(found, dict):
            return found
        self._say(name, "must be an object")
        return {}

    def _text(self, place: str, value: object, pattern: str, what: str, *, optional: bool = False) -> str:
        if optional and value == "":
            return ""
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        self._say(place, f"must be {what}")
        return ""

    def _choice(self, place: str, value: object, choices: type[E_], default: E_) -> E_:
        if value is None:
            return default
        if isinstance(value, str) and value in [*choices]:
            return choices(value)
        self._say(place, f"must be one of {', '.join(choices)}")
        return default

    def _names(self, place: str, value: object) -> tuple[str, ...]:
        if isinstance(value, list) and all(map(_is_name, value)):
            names = tuple(one.strip() for one in value)
            for name in sorted({one for one in names if names.count(one) > 1}):
                self._say(place, f"has {name!r} twice")
            return names
        self._say(place, "must be a list of columns' names")
        return ()

    def _input(self, given: Mapping[str, Any]) -> Input:
        self._known("input", given, INPUT_KEYS)
        delimiter, encoding = given.get("delimiter", ""), given.get("encoding", "")
        if delimiter != "" and not _can_delimit(delimiter):
            self._say("input.delimiter", "must be one ASCII character, no quote and no line end")
            delimiter = ""
        if encoding != "" and not (isinstance(encoding, str) and encodings.codec_of(encoding)):
            self._say("input.encoding", f"must be one of {', '.join(encodings.declarable())}")
            encoding = ""
        nulls = given.get("null", [])
        if not isinstance(nulls, list) or not all(isinstance(one, str) and 0 < len(one) <= 50 for one in nulls):
            self._say("input.null", 'must be a list of texts such as "\\\\N"')
            nulls = []
        return Input(
            format=self._one_of("input.format", given.get("format", ""), FORMATS),
            delimiter=delimiter,
            encoding=encoding,
            escape=self._one_of("input.escape", given.get("escape", ""), ESCAPES),
            nulls=tuple(nulls),
            complete=self._choice("input.complete", given.get("complete"), Complete, Complete.ANY),
        )

    def _one_of(self, place: str, value: object, choices: Collection[str]) -> str:
        if value == "" or value in choices:
            return str(value)
        self._say(place, f"must be one of {', '.join(choices)}")
        return ""

    def _derived(self, given: Mapping[str, Any]) -> tuple[Derived, ...]:
        return tuple(filter(None, (self._one_derived(name, one) for name, one in given.items())))

    def _one_derived(self, name: str, given: object) -> Derived | None:
        place = f"derived.{name[:LONGEST_NAME]}"
        how = [one for one in Derive if isinstance(given, dict) and one in given]
        if not _is_name(name) or not isinstance(given, dict) or len(how) != 1:
            self._say(place, f"must be an object with one of {', '.join(Derive)}")
            return None
        also = {Derive.PERIOD: ("period",), Derive.JOIN: ("with",)}.get(how[0], ())
        self._known(place, given, (how[0].value, *also))
        of = given[how[0]]
        if how[0] is Derive.JOIN:
            names = self._names(f"{place}.join", of)
            if of == []:
                self._say(f"{place}.join", "must name a column")
            separator = given.get("with", " ")
            if not isinstance(separator, str) or len(separator) > 10:
                self._say(f"{place}.with", "must be a text of at most 10 characters")
                separator = " "
            return Derived(name.strip(), how[0], names, separator=separator)
        if not _is_name(of):
            self._say(f"{place}.{how[0]}", "must be a column's name")
            return None
        period = self._choice(f"{place}.period", given.get("period"), Period, Period.MONTH)
        return Derived(name.strip(), how[0], (of.strip(),), period)

    def _conditions(self, place: str, given: object) -> tuple[Condition, ...]:
        if not isinstance(given, list) or len(given) > MOST_ENTRIES:
            self._say(place, f"must be a list of at most {MOST_ENTRIES} conditions")
            return ()
        found = []
        for number, one in enumerate(given, 1):
            condition, mistake = condition_of(one)
            if condition is None:
                self._say(f"{place}[{number}]", mistake)
            else:
                found.append(condition)
        return tuple(found)

    def _consent(self, given: Mapping[str, Any], *, is_there: bool) -> RowRule:
        if not is_there:
            return NO_RULE
        mistakes = rule_mistakes(given)
        for name, what in mistakes.items():
            self._say(f"consent.{name[:LONGEST_NAME]}", what)
        if not mistakes and given.get("scope", Scope.ROW) != Scope.ROW:
            self._say(
                "consent.scope",
                "must be row here: a group is taken out as a whole for one no, other rows each by their own",
            )
        return NO_RULE if mistakes else read_rule(given)

    def _aggregates(self, given: Mapping[str, Any]) -> tuple[Aggregate, ...]:
        found = []
        for name, one in given.items():
            place = f"aggregates.{name[:LONGEST_NAME]}"
            if (
                not _is_name(name)
                or not isinstance(one, dict)
                or len(one) != 1
                or next(iter(one)) not in [*Function]
            ):
                self._say(place, f"must be an object with one of {', '.join(Function)}")
                continue
            function, of = Function(next(iter(one))), next(iter(one.values()))
            if not _is_name(of) or (of == EVERY_ROW and function is not Function.COUNT):
                self._say(f"{place}.{function}", "must be a column's name")
                continue
            found.append(Aggregate(name.strip(), function, of.strip()))
        return tuple(found)

    def _columns(self, given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        entries: list[tuple[str, str]] = []
        for left, right in given.items():
            if left.strip() in dict(entries):
                self._say(f"columns.{left.strip()[:LONGEST_NAME]}", "is there twice")
            elif _is_name(left) and isinstance(right, str) and _is_name(right):
                entries.append((left.strip(), right.strip()))
            else:
                self._say(f"columns.{left[:LONGEST_NAME]}", "must be a field's name, ignore, or a value")
        return tuple(entries)

    def _context(self, given: Mapping[str, Any]) -> Context:
        country, zone = given.get("default_country", ""), given.get("time_zone", "")
        if country != "" and not (isinstance(country, str) and country_code(country) == country):
            self._say("default_country", "must be an ISO 3166-1 alpha-2 code in upper case, such as US")
            country = ""
        if zone != "" and not (isinstance(zone, str) and zone_named(zone)):
            self._say("time_zone", "must be an IANA name such as Europe/Berlin")
            zone = ""
        order = self._one_of("date_order", given.get("date_order", ""), DATE_ORDERS)
        return Context(country, date_order=order, time_zone=zone)

    def _target(self, given: Mapping[str, Any], *, is_there: bool) -> Target:
        self._known("target", given, TARGET_KEYS)

        def named(key: str) -> str:
            value = given.get(key)
            if _is_name(value) and re.fullmatch(PART, str(value)):
                return str(value)
            if is_there:
                self._say(f"target.{key}", 'must be a text without "/" and control characters, not "." or ".."')
            return ""

        action = self._choice("target.action", given.get("action"), Action, Action.ADD)
        return Target(named("platform"), named("connector"), named("audience"), action)

    def _output(self, given: Mapping[str, Any], *, is_there: bool) -> Output:
        self._known("output", given, OUTPUT_KEYS)
        rows = given.get("rows_per_part", ROWS_PER_PART)
        if not isinstance(rows, int) or isinstance(rows, bool) or not LEAST_PART <= rows <= MOST_PART:
            self._say("output.rows_per_part", f"must be a whole number from {LEAST_PART} to {MOST_PART}")
            rows = ROWS_PER_PART
        identifiers = given.get("identifiers")
        if is_there and not (isinstance(identifiers, str) and identifiers in KINDS):
            self._say("output.identifiers", f"must be one of {', '.join(KINDS)}")
        deduplicate = given.get("deduplicate", identifiers != EVENTS.declared)
        if not isinstance(deduplicate, bool):
            self._say("output.deduplicate", "must be true or false")
        return Output(
            identifiers=str(identifiers),
            format=self._choice("output.format", given.get("format"), OutputFormat, OutputFormat.PARQUET),
            rows_per_part=rows,
            event_id=self._names("output.event_id", given.get("event_id", [])),
            deduplicate=bool(deduplicate),
        )


def _object_of(repeated: list[str], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; names that it has twice, of which JSON readers keep the last, go to `repeated`."""
    repeated += [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    return dict(pairs)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_NAME


def _can_delimit(value: object) -> bool:
    return isinstance(value, str) and len(value) == 1 and value.isascii() and value not in '"\r\n\0'
