"""Which rows of a connector's files may be sent: by a column of consent, and by one of deleted records."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from activation.row_rule import ConsentSignal, RowRule, Scope, Told

TELL = "tell"
KNOWN = ("column", "allow", "scope", "key", TELL)
Signals = Mapping[str, tuple[ConsentSignal, ...]]  # by platform
MOST_ANSWERS, LONGEST, MOST_COLUMNS = 50, 200, 10
MAX_BYTES = 400  # as JSON: of what a function has room for, beside its other settings
# A file of text has no booleans: true and false are these words there. Any other word has to be listed.
_TRUE = ("true", "t", "yes", "y", "1", "1.0", "on", "ja", "oui", "si", "sí", "sim", "はい")
_FALSE = ("false", "f", "no", "n", "0", "0.0", "off", "nein", "non", "não", "nao", "nee", "いいえ")


def folded(answer: str) -> str:
    """Return an answer as it is compared: in lower case, without spaces around it."""
    return unicodedata.normalize("NFC", answer).strip().lower()


def read_rule(given: Mapping[str, Any]) -> RowRule:
    """Return the rule that the settings or a function's environment give; see `rule_mistakes`.

    Raises ValueError for a scope that is none, and for a `tell` of another form than `rule_mistakes` accepts.
    """
    if not given:
        return RowRule()
    answers: dict[str, None] = {}
    for one in given.get("allow", ()):
        words = _TRUE if one is True else _FALSE if one is False else ("" if one is None else folded(str(one)),)
        answers |= dict.fromkeys(words)
    scope, column = given.get("scope"), given.get("column", "")
    first, *also = [str(one).strip() for one in (column if isinstance(column, list | tuple) else [column])] or [""]
    return RowRule(
        first,
        tuple(answers),
        Scope(scope) if scope else None,
        str(given.get("key") or "").strip(),
        tuple(also),
        _told(given.get(TELL, {})),
    )


def written(rule: RowRule) -> dict[str, Any]:
    """Return a rule as `read_rule` reads it."""
    more = {"scope": rule.scope.value if rule.scope else "", "key": rule.key}
    told = {platform: dict(statuses) for platform, statuses in rule.tell}
    column = list(rule.columns) if rule.also else rule.column
    return {
        "column": column,
        "allow": rule.allow,
        **{name: text for name, text in (more | {TELL: told}).items() if text},
    }


def rule_mistakes(given: Mapping[str, Any], signals: Signals | None = None) -> dict[str, str]:
    """Return what is wrong with a rule as it is written in the settings, by its key.

    `signals` are those of the platforms that the rule's rows go to: `tell` may say these, and has to say all of a
    platform that it names. Without any, `tell` is a mistake.
    """
    found = {name: f"no such setting (known: {', '.join(KNOWN)})" for name in given if name not in KNOWN}
    column, allow = given.get("column"), given.get("allow")
    columns = column if isinstance(column, list) else [column]
    if not 0 < len(columns) <= MOST_COLUMNS or not all(map(_is_column, columns)):
        found["column"] = (
            f"must be the name of the column, as the files' header has it, or a list of up to {MOST_COLUMNS} that "
            "all have to allow a row"
        )
    if not isinstance(allow, list) or not 0 < len(allow) <= MOST_ANSWERS or not all(map(_is_answer, allow)):
        found["allow"] = (
            f"must be a list of 1 to {MOST_ANSWERS} answers whose rows may be sent: true, false, texts or whole "
            'numbers, or "" for a blank cell'
        )
    elif {True, False} <= {one for one in allow if isinstance(one, bool)}:
        found["allow"] = "must not have both true and false: every row would be sent"
    if given.get("scope", Scope.ROW) not in [*Scope]:
        found["scope"] = f"must be one of {', '.join(Scope)}"
    key = given.get("key", "id")
    if not isinstance(key, str) or not 0 < len(key.strip()) <= LONGEST:
        found["key"] = "must be the name of the column that has the id of a person's record"
    if TELL in given:
        found |= _tell_mistakes(given[TELL], signals or {})
    if not found and len(json.dumps(given)) > MAX_BYTES:
        found["allow"] = f"is longer than {MAX_BYTES} bytes as JSON, all that a function has room for"
    return found


def _tell_mistakes(given: object, signals: Signals) -> dict[str, str]:
    if not signals:
        return {
            TELL: "must be left out: the platform has no field for consent and would not be told; rows that may"
            " not be sent are taken out before"
        }
    if not isinstance(given, Mapping) or not given:
        return {TELL: f"must be an object of platforms ({', '.join(signals)}) and what each is told"}
    found = {}
    for platform, statuses in given.items():
        place, known = f"{TELL}.{platform}", {one.name: one for one in signals.get(platform, ())}
        if not known:
            found[place] = f"is not a platform that takes a consent signal here (known: {', '.join(signals)})"
            continue
        said = statuses if isinstance(statuses, Mapping) else {}
        for name in said.keys() - known.keys():
            found[f"{place}.{name}"] = f"no such signal (known: {', '.join(known)})"
        for name, signal in known.items():
            if said.get(name) not in signal.statuses:
                found[f"{place}.{name}"] = f"must be one of {', '.join(signal.statuses)}"
    return found


def _told(given: object) -> Told:
    if not isinstance(given, Mapping) or not all(isinstance(one, Mapping) for one in given.values()):
        raise ValueError(f"{TELL} is no object of objects")
    return tuple(
        (str(platform), tuple((str(name), str(status)) for name, status in one.items()))
        for platform, one in given.items()
    )


def _is_column(one: object) -> bool:
    return isinstance(one, str) and 0 < len(one.strip()) <= LONGEST


def _is_answer(one: object) -> bool:
    return one is None or (isinstance(one, str | int) and len(str(one)) <= LONGEST)
