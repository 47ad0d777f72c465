"""Read a mapping file: every mistake is reported at once, and nothing is read with one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from activation.drops import encodings
from activation.identifiers.column_map import DATE_ORDERS
from activation.identifiers.countries import country_code
from activation.identifiers.row_rules import read_rule, rule_mistakes
from activation.identifiers.table import Context
from activation.identifiers.zones import zone_named
from activation.model import EVENTS, Action
from activation.platforms.discovery import every_platform
from activation.platforms.platform import signals_of
from activation.row_rule import NO_RULE, RowRule, Scope

from glue_scripts.normalize.conditions import condition_of
from glue_scripts.normalize.errors import BadMapping
from glue_scripts.normalize.mapping import (
    EVERY_ROW,
    ROWS_PER_PART,
    Aggregate,
    AudienceMapping,
    Complete,
    Condition,
    DecimalSign,
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
from glue_scripts.normalize.mapping_keys import (
    ESCAPES,
    FORMATS,
    INPUT_KEYS,
    KEYS,
    LEAST_PART,
    LONGEST_NAME,
    MOST_ENTRIES,
    MOST_PART,
    NAME,
    OUTPUT_KEYS,
    PART,
    TARGET_KEYS,
)
from glue_scripts.normalize.mapping_values import Values, can_delimit, is_name, object_of


def read_mapping(text: str | bytes) -> AudienceMapping:
    """Return the mapping that a file holds; raises BadMapping with every mistake that shows without the export."""
    repeated: list[str] = []
    try:
        document = json.loads(text, object_pairs_hook=partial(object_of, repeated))
    except (ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadMapping([f"the file is not JSON{line}"]) from None
    if not isinstance(document, dict):
        raise BadMapping(["the file is not one JSON object"])
    twice = [f"the key {name[:LONGEST_NAME]!r} is twice in one object" for name in repeated]
    reader = _Reader(Values(twice))
    mapping = reader.whole(document)
    if mistakes := [*reader.values.mistakes, *mistakes_between(mapping)]:
        raise BadMapping(mistakes)
    return mapping


@dataclass
class _Reader:
    """Reads parts of the document by what checks their `values`."""

    values: Values = field(default_factory=Values)

    def whole(self, given: Mapping[str, Any]) -> AudienceMapping:
        self.values.known("", given, KEYS)
        return AudienceMapping(
            target=self._target(self.values.section("target", given, required=True), is_there="target" in given),
            output=self._output(self.values.section("output", given, required=True), is_there="output" in given),
            columns=self._columns(self.values.section("columns", given)),
            name=self.values.text("name", given.get("name", ""), NAME, "letters, digits, - and _", optional=True),
            input=self._input(self.values.section("input", given)),
            derived=self._derived(self.values.section("derived", given)),
            filters=self._conditions("filters", given.get("filters", [])),
            consent=self._consent(given),
            group_by=self.values.names("group_by", given.get("group_by", [])),
            aggregates=self._aggregates(self.values.section("aggregates", given)),
            having=self._conditions("having", given.get("having", [])),
            context=self._context(given),
        )

    def _input(self, given: Mapping[str, Any]) -> Input:
        self.values.known("input", given, INPUT_KEYS)
        delimiter, encoding = given.get("delimiter", ""), given.get("encoding", "")
        if delimiter != "" and not can_delimit(delimiter):
            self.values.say("input.delimiter", "must be one ASCII character, no quote and no line end")
            delimiter = ""
        if encoding != "" and not (isinstance(encoding, str) and encodings.codec_of(encoding)):
            wide = str(encoding).lower().replace("_", "-").startswith(("utf-16", "utf16"))
            hint = "UTF-16 is recognised by its byte order mark: leave input.encoding out; otherwise it "
            what = f"must be one of {', '.join(encodings.declarable())}"
            self.values.say("input.encoding", hint + what if wide else what)
            encoding = ""
        nulls = given.get("null", [])
        if not isinstance(nulls, list) or not all(isinstance(one, str) and 0 < len(one) <= 50 for one in nulls):
            self.values.say("input.null", 'must be a list of texts such as "\\\\N"')
            nulls = []
        return Input(
            format=self.values.one_of("input.format", given.get("format", ""), FORMATS),
            delimiter=delimiter,
            encoding=encoding,
            escape=self.values.one_of("input.escape", given.get("escape", ""), ESCAPES),
            nulls=tuple(nulls),
            complete=self.values.choice("input.complete", given.get("complete"), Complete, Complete.ANY),
            decimal=self.values.choice("input.decimal", given.get("decimal"), DecimalSign, DecimalSign.POINT),
        )

    def _derived(self, given: Mapping[str, Any]) -> tuple[Derived, ...]:
        return tuple(filter(None, (self._one_derived(name, one) for name, one in given.items())))

    def _one_derived(self, name: str, given: object) -> Derived | None:
        place = f"derived.{name[:LONGEST_NAME]}"
        how = [one for one in Derive if isinstance(given, dict) and one in given]
        if not is_name(name) or not isinstance(given, dict) or len(how) != 1:
            self.values.say(place, f"must be an object with one of {', '.join(Derive)}")
            return None
        also = {Derive.PERIOD: ("period",), Derive.JOIN: ("with",)}.get(how[0], ())
        self.values.known(place, given, (how[0].value, *also))
        of = given[how[0]]
        if how[0] is Derive.JOIN:
            names = self.values.names(f"{place}.join", of)
            if of == []:
                self.values.say(f"{place}.join", "must name a column")
            separator = given.get("with", " ")
            if not isinstance(separator, str) or len(separator) > 10:
                self.values.say(f"{place}.with", "must be a text of at most 10 characters")
                separator = " "
            return Derived(name.strip(), how[0], names, separator=separator)
        if not is_name(of):
            self.values.say(f"{place}.{how[0]}", "must be a column's name")
            return None
        period = self.values.choice(f"{place}.period", given.get("period"), Period, Period.MONTH)
        return Derived(name.strip(), how[0], (of.strip(),), period)

    def _conditions(self, place: str, given: object) -> tuple[Condition, ...]:
        if not isinstance(given, list) or len(given) > MOST_ENTRIES:
            self.values.say(place, f"must be a list of at most {MOST_ENTRIES} conditions")
            return ()
        found = []
        for number, one in enumerate(given):
            condition, mistake = condition_of(one)
            if condition is None:
                self.values.say(f"{place}[{number}]", mistake)
            else:
                found.append(condition)
        return tuple(found)

    def _consent(self, document: Mapping[str, Any]) -> RowRule:
        given = self.values.section("consent", document)
        if not isinstance(document.get("consent"), dict):
            return NO_RULE
        mistakes = rule_mistakes(given, signals_of(every_platform().values()))
        for name, what in mistakes.items():
            self.values.say(f"consent.{name[:LONGEST_NAME]}", what)
        if not mistakes and given.get("scope", Scope.ROW) != Scope.ROW:
            self.values.say(
                "consent.scope",
                "must be row here: a group is taken out as a whole for one no, other rows each by their own",
            )
        return NO_RULE if mistakes else read_rule(given)

    def _aggregates(self, given: Mapping[str, Any]) -> tuple[Aggregate, ...]:
        found = []
        for name, one in given.items():
            place = f"aggregates.{name[:LONGEST_NAME]}"
            if (
                not is_name(name)
                or not isinstance(one, dict)
                or len(one) != 1
                or next(iter(one)) not in [*Function]
            ):
                self.values.say(place, f"must be an object with one of {', '.join(Function)}")
                continue
            function, of = Function(next(iter(one))), next(iter(one.values()))
            if not is_name(of) or (of == EVERY_ROW and function is not Function.COUNT):
                self.values.say(f"{place}.{function}", "must be a column's name")
                continue
            found.append(Aggregate(name.strip(), function, of.strip()))
        return tuple(found)

    def _columns(self, given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        entries: list[tuple[str, str]] = []
        for left, right in given.items():
            if left.strip() in dict(entries):
                self.values.say(f"columns.{left.strip()[:LONGEST_NAME]}", "is there twice")
            elif is_name(left) and isinstance(right, str) and is_name(right):
                entries.append((left.strip(), right.strip()))
            else:
                self.values.say(f"columns.{left[:LONGEST_NAME]}", "must be a field's name, ignore, or a value")
        return tuple(entries)

    def _context(self, given: Mapping[str, Any]) -> Context:
        country, zone = given.get("default_country", ""), given.get("time_zone", "")
        if country != "" and not (isinstance(country, str) and country_code(country) == country):
            self.values.say("default_country", "must be an ISO 3166-1 alpha-2 code in upper case, such as US")
            country = ""
        if zone != "" and not (isinstance(zone, str) and zone_named(zone)):
            self.values.say("time_zone", "must be an IANA name such as Europe/Berlin")
            zone = ""
        order = self.values.one_of("date_order", given.get("date_order", ""), DATE_ORDERS)
        return Context(country, date_order=order, time_zone=zone)

    def _target(self, given: Mapping[str, Any], *, is_there: bool) -> Target:
        self.values.known("target", given, TARGET_KEYS)

        def named(key: str) -> str:
            value = given.get(key)
            if is_name(value) and re.fullmatch(PART, str(value)):
                return str(value)
            if is_there:
                self.values.say(
                    f"target.{key}", 'must be a text without "/" and control characters, not "." or ".."'
                )
            return ""

        action = self.values.choice("target.action", given.get("action"), Action, Action.ADD)
        return Target(named("platform"), named("connector"), named("audience"), action)

    def _output(self, given: Mapping[str, Any], *, is_there: bool) -> Output:
        self.values.known("output", given, OUTPUT_KEYS)
        rows = given.get("rows_per_part", ROWS_PER_PART)
        if not isinstance(rows, int) or isinstance(rows, bool) or not LEAST_PART <= rows <= MOST_PART:
            self.values.say("output.rows_per_part", f"must be a whole number from {LEAST_PART} to {MOST_PART}")
            rows = ROWS_PER_PART
        identifiers = given.get("identifiers")
        if is_there and not (isinstance(identifiers, str) and identifiers in KINDS):
            self.values.say("output.identifiers", f"must be one of {', '.join(KINDS)}")
        deduplicate = given.get("deduplicate", identifiers != EVENTS.declared)
        if not isinstance(deduplicate, bool):
            self.values.say("output.deduplicate", "must be true or false")
        return Output(
            identifiers=str(identifiers),
            format=self.values.choice("output.format", given.get("format"), OutputFormat, OutputFormat.PARQUET),
            rows_per_part=rows,
            event_id=self.values.names("output.event_id", given.get("event_id", [])),
            deduplicate=bool(deduplicate),
        )
