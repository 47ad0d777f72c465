"""One audience of `audiences.yml`, read key by key: selection, consent, destinations, schedule, options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from activation.identifiers.row_rules import TELL, read_rule, rule_mistakes
from activation.json_reader import Reader
from activation.model import Action
from activation.platforms.audience_options import GUARD

from lambdas.sync.declaration import Declaration, Schedule, SourceKind, Target
from lambdas.sync.parameters import parameter_names
from lambdas.sync.source import Consent, Parameter, Selection

TABLE = r"[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*){0,2}"
CONNECTOR = r"(?=.{1,32}\Z)[a-z][a-z0-9]*(-[a-z0-9]+)*"
AUDIENCE = r"(?=.{1,128}\Z)(?=.*\S)[^/\x00-\x1f\x7f]+"
ACCOUNT, AUDIENCE_ID = r"[A-Za-z0-9_:-]{1,64}", r"[\w-]{1,64}"
CONSENTED = "selected"  # for `consent`: the selection holds nobody who has not consented
ACTIONS = (Action.MIRROR, Action.REPLACE, Action.ADD)
MOST_TARGETS, MOST_IN_LIST, LONGEST_SQL = 10, 1_000, 50_000
EVERY, AT, FROM = r"([1-9]\d{0,3})([hd])", r"(?:[01]\d|2[0-3]):[0-5]\d", r"\d{4}-\d{2}-\d{2}"
_MOST_HOURS = 24 * 366


def read_audience(
    reader: Reader, name: str, kinds: Mapping[str, SourceKind], *, sql_is_known: bool = True
) -> Declaration:
    """Read what an audience's object says; `kinds` are the sources by name. Mistakes are the reader's.

    Parameters are compared with those that the SQL names only if `sql_is_known`.
    """
    return Declaration(
        name=name,
        source=reader.choice("source", tuple(kinds)),
        selection=_selection(reader, sql_is_known=sql_is_known),
        to=_targets(reader),
        schedule=_schedule(reader),
        action=reader.choice("action", [*ACTIONS], default=Action.MIRROR),
        options=_options(reader),
        paused=reader.flag("paused", default=False),
    )


def _selection(reader: Reader, *, sql_is_known: bool) -> Selection:
    has_sql, has_table = reader.has("sql"), reader.has("table")
    sql = table = ""
    if has_sql == has_table:
        reader.mistake("sql", "say either `sql` or `table`, not both" if has_sql else "missing; or say `table`")
    if has_sql:
        sql = reader.text(
            "sql",
            pattern=rf"(?s)(?=.*\S).{{1,{LONGEST_SQL}}}",
            meaning=f"a SELECT of up to {LONGEST_SQL:,} characters, or the path of a file that ends in .sql",
        )
    if has_table:
        table = reader.text("table", pattern=TABLE, meaning="the name of a table or view, such as marts.vip")
    params = _params(reader, sql if has_sql and sql and sql_is_known else None)
    return Selection(_columns(reader), sql, table, params, _consent(reader))


def _columns(reader: Reader) -> tuple[tuple[str, str], ...]:
    given = reader.values("columns")
    if not given:
        reader.mistake("columns", 'must be an object of columns and their fields, such as {"mail": "email"}')
    for name, to in given.items():
        if not (isinstance(to, str) and to.strip() and str(name).strip()):
            reader.mistake(f"columns.{name}", "must be a field's name, such as email, or ignore")
    return tuple((str(name), to.strip()) for name, to in given.items() if isinstance(to, str))


def _params(reader: Reader, sql: str | None) -> Mapping[str, Parameter]:
    found: dict[str, Parameter] = {}
    for name, value in reader.values("params").items():
        ones = tuple(value) if isinstance(value, list) else (value,)
        if not all(isinstance(one, str | int | float) for one in ones) or not 0 < len(ones) <= MOST_IN_LIST:
            meaning = f"a text, a number, true or false, or a list of 1 to {MOST_IN_LIST:,} of them"
            reader.mistake(f"params.{name}", f"must be {meaning}")
        elif len({type(one) for one in ones}) > 1:
            reader.mistake(f"params.{name}", "must not mix texts, numbers and true or false")
        else:
            found[str(name)] = ones if isinstance(value, list) else ones[0]
    named = parameter_names(sql) if sql is not None else frozenset(found)
    for name in sorted(named - set(reader.values("params"))):
        reader.mistake("params", f"has no {name}, which the SQL names as :{name}")
    for name in sorted(set(found) - named):
        reader.mistake(f"params.{name}", f"is not in the SQL, which would name it as :{name}")
    if sql is None and found and not reader.has("sql"):
        reader.mistake("params", "are for `sql`; a table is extracted as a whole")
    return found


def _consent(reader: Reader) -> Consent | None:
    known = ("column", "allow")
    if not reader.has("consent"):
        reader.mistake(
            "consent",
            'missing; must be {"column": ..., "allow": [...]}, or the word selected where the selection has nobody'
            " who has not consented",
        )
        return None
    if reader.value("consent") == CONSENTED:
        return None
    given = reader.values("consent")
    wrong = {key: one for key, one in rule_mistakes(given).items() if key in (*known, TELL)} if given else {}
    unknown = {key: f"no such setting (known: {', '.join(known)})" for key in given if key not in (*known, TELL)}
    if given and not isinstance(given.get("column"), str):
        wrong["column"] = "must be the name of one column of the selection"
    for key, mistake in {**wrong, **unknown}.items():
        reader.mistake(f"consent.{key}", mistake)
    if not given or wrong or unknown:
        return None
    rule = read_rule(given)
    return Consent(rule.column, rule.allow)


def _targets(reader: Reader) -> tuple[Target, ...]:
    found = []
    for one in reader.sections("to"):
        found.append(
            Target(
                one.text("connector", pattern=CONNECTOR, meaning="a connector's name in cdk.context.json"),
                one.text(
                    "audience", pattern=AUDIENCE, meaning="an audience's name of up to 128 letters, without /"
                ),
                one.text("account", pattern=ACCOUNT, meaning="an ad account's id, in quotation marks", default=""),
                one.text("id", pattern=AUDIENCE_ID, meaning="the audience's id, in quotation marks", default=""),
            )
        )
        one.finish()
    if len(found) > MOST_TARGETS:
        reader.mistake("to", f"has more than {MOST_TARGETS}")
    return tuple(found)


def _schedule(reader: Reader) -> Schedule:
    every = reader.text("every", pattern=EVERY, meaning='hours or days, such as "48h" or "2d"')
    hours = 24
    if parts := re.fullmatch(EVERY, every):
        hours = int(parts[1]) * (24 if parts[2] == "d" else 1)
        if hours > _MOST_HOURS:
            reader.mistake("every", "must not be longer than a year")
    at = reader.text("at", pattern=AT, meaning='a time of day such as "10:00"')
    zone = reader.text(
        "timezone", pattern=r"[\w+/-]+", meaning="the IANA name of a time zone, such as Europe/Berlin"
    )
    if zone and zone not in available_timezones():
        reader.mistake("timezone", "must be the IANA name of a time zone, such as Europe/Berlin")
        zone = ""
    start = reader.text("from", pattern=FROM, meaning="the day of the first slot, as 2026-12-01")
    day = date.min
    if start:
        try:
            day = date.fromisoformat(start)
        except ValueError:
            reader.mistake("from", "is no day of the calendar; write it as 2026-12-01")
    return Schedule(day, time.fromisoformat(at) if at else time(), ZoneInfo(zone or "UTC"), hours)


def _options(reader: Reader) -> Mapping[str, Any]:
    options, guard = dict(reader.values("options")), reader.values("guard")
    if guard and (mistake := GUARD.problem(guard)):
        reader.mistake("guard", mistake)
    elif guard and options.setdefault("guard", dict(guard)) != guard:
        reader.mistake("guard", "differs from the guard in `options`; say it once")
    if options.pop("id", None) is not None:
        reader.mistake("options.id", "is said with `id` in `to`, for each audience")
    if options.pop("consent", None) is not None:
        reader.mistake("options.consent", "is said with `consent`, for the selection")
    return options
