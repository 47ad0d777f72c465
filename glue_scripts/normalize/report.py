"""What became of every row of an export, checked to add up, and the manifest that closes the drop."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from activation.drops.columns import shown_name
from activation.drops.sample import Sample
from activation.errors import Rejected
from activation.identifiers.column_map import IGNORE, columns_called, shown_entries
from activation.identifiers.row_rules import TELL, written

from glue_scripts.normalize.export import Export
from glue_scripts.normalize.mapping import AudienceMapping, Condition
from glue_scripts.normalize.parts import REPORT_FOLDER
from glue_scripts.normalize.plan import Plan
from glue_scripts.normalize.report_warnings import of_drop, of_unread
from glue_scripts.normalize.storage import Folder
from glue_scripts.normalize.stream import Kind


@dataclass(frozen=True)
class WrittenFile:
    """A file that was written: its name below the folder, its rows, its bytes."""

    name: str
    rows: int
    size_bytes: int

    @property
    def is_data(self) -> bool:
        """Return whether it is a part of the drop, not of the report."""
        return not self.name.startswith(f"{REPORT_FOLDER}/")


@dataclass(frozen=True)
class Report:
    """What became of an export: `document` as JSON, and the files that were written."""

    document: Mapping[str, Any]
    files: tuple[WrittenFile, ...]

    @property
    def parts(self) -> tuple[WrittenFile, ...]:
        """Return the parts of the drop, in the order of their names."""
        return tuple(one for one in self.files if one.is_data)

    def text(self) -> str:
        """Return the report as JSON."""
        return json.dumps(self.document, indent=1, ensure_ascii=False)


def report_of(
    mapping: AudienceMapping,
    plan: Plan,
    results: pa.Table,
    *,
    export: Export,
    key: str,
    engine: str,
    sample: Sample,
    claim: str = "",
) -> Report:
    """Return the report of the lines that the last step gave.

    `sample` is what the export's first rows show, `claim` names what the drop is for.

    Raises Rejected with the first failure of a task, with empty_export, cells_unread and no_rows_left;
    RuntimeError where the sums do not add up.
    """
    lines = results.select(["kind", "field", "code", "count", "row"]).to_pylist()
    failures = sorted((one["code"], one["field"]) for one in lines if one["kind"] == Kind.FAILURE)
    if failures:
        raise Rejected(failures[0][0], f"{failures[0][1]} Nothing was written.")
    counts: Counter[tuple[str, str]] = Counter()
    for one in lines:
        if one["kind"] == Kind.TALLY:
            counts[one["code"], one["field"]] += one["count"]
    files = [WrittenFile(one["field"], one["count"], one["row"]) for one in lines if one["kind"] == Kind.PART]
    files.sort(key=lambda one: one.name)
    written = sum(one.rows for one in files if one.is_data)
    rows, groups = _rows(mapping, counts), _groups(mapping, counts)
    left = {"duplicates": counts["duplicates", ""], "written": written}
    (groups if mapping.is_grouped else rows).update(left)
    _check(rows, "read")
    if mapping.is_grouped:
        _check(groups, "made")
        if groups["made"] > counts["rows_grouped", ""]:
            raise RuntimeError("more groups than rows")
    if not rows["read"]:
        raise Rejected("empty_export", "the export has no rows; nothing was written")
    found = list(of_unread(counts))
    if not written:
        raise Rejected("no_rows_left", f"no row of the export is left to be written: {_told(rows, groups)}")
    found += of_drop(plan, sample, groups if mapping.is_grouped else rows, counts, _left_out(counts))
    document = {
        "mapping": mapping.name,
        "key": f"{key}/",
        **({"claim": claim} if claim else {}),
        "engine": engine,
        "input": {"files": len(export.files), "bytes": export.size_bytes, "skipped": len(export.skipped)},
        "rows": rows,
        **({"groups": groups} if mapping.is_grouped else {}),
        "rows_mended": counts["rows_mended", ""],
        "cells_left_out": _left_out(counts),
        "warnings": [{"code": one.code, "sentence": one.sentence} for one in found],
        "columns": dict(plan.mapped.used),
        "said": shown_entries((), mapping.columns),
        "output": [shown_name(name, index) for index, name in enumerate(plan.output)],
        "parts": [{"name": one.name, "rows": one.rows, "bytes": one.size_bytes} for one in files if one.is_data],
        "rejects": [one.name for one in files if not one.is_data],
    }
    return Report(document, tuple(files))


def manifest_of(plan: Plan, report: Report, folder: Folder) -> str:
    """Return the manifest of a drop, which says how its files are read: see drops/folder_manifest.py."""
    own: dict[str, Any] = {"identifiers": plan.kind.declared, "rows": sum(one.rows for one in report.parts)}
    if columns := _columns(plan):
        own["columns"] = columns
    if plan.context.date_order and not plan.kind.hashed:
        own["date_order"] = plan.context.date_order
    if plan.context.time_zone and not plan.kind.hashed:
        own["time_zone"] = plan.context.time_zone
    if plan.kind.hashed:
        own["platform"] = plan.mapping.target.platform
    if plan.mapping.consent.tell:
        own[TELL] = written(plan.mapping.consent)[TELL]
    if plan.mapping.name:
        own["declaration"] = plan.mapping.name
    entries = [
        {"url": folder.url(one.name), "meta": {"content_length": one.size_bytes, "record_count": one.rows}}
        for one in report.parts
    ]
    return json.dumps({"entries": entries, "activation": own}, indent=1, ensure_ascii=False)


def _columns(plan: Plan) -> dict[str, str]:
    """Return what the drop's reader has to be told of its columns.

    Raw columns keep their names, and so what was said of them. Who consented is settled here: the column that says
    so is there for connectors that ask for it, and means nothing else.
    """
    said = dict.fromkeys(plan.mapping.consent.columns, IGNORE)
    if plan.kind.hashed:
        return dict(plan.told) | said
    return {
        left: right
        for left, right in plan.mapping.columns
        if right.lower() != IGNORE and (columns_called(left, plan.output) or not columns_called(left, plan.people))
    } | said


def _rows(mapping: AudienceMapping, counts: Counter[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "read": counts["rows_read", ""],
        "rejected": _by_code(counts, "rejected"),
        "filtered": _by_condition(counts, "filtered", mapping.filters),
    }
    return {**found, "grouped": counts["rows_grouped", ""]} if mapping.is_grouped else found


def _groups(mapping: AudienceMapping, counts: Counter[tuple[str, str]]) -> dict[str, Any]:
    return {
        "made": counts["groups", ""],
        "rejected": _by_code(counts, "groups_rejected"),
        "having": _by_condition(counts, "having", mapping.having),
    }


def _by_code(counts: Counter[tuple[str, str]], name: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (code, _), count in counts.items():
        if code.startswith(f"{name}:"):
            found[code.partition(":")[2]] += count
    return dict(sorted(found.items()))


def _by_condition(
    counts: Counter[tuple[str, str]], name: str, conditions: tuple[Condition, ...]
) -> list[dict[str, Any]]:
    """Return how many rows each condition takes out, in their order."""
    return [
        {"column": one.column, "condition": one.compare.value, "rows": counts[f"{name}:{number}", one.column]}
        for number, one in enumerate(conditions, 1)
    ]


def _left_out(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (code, of), count in sorted(counts.items()):
        if code.startswith("left_out:"):
            found.setdefault(of, {})[code.partition(":")[2]] = count
    return found


def _check(sums: Mapping[str, Any], whole: str) -> None:
    """Raise RuntimeError unless every row is accounted for."""
    parts = sum(_sum(value) for name, value in sums.items() if name != whole)
    if parts != sums[whole]:
        raise RuntimeError(f"the sums do not add up: {sums[whole]} {whole}, {parts} accounted for")


def _sum(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(value.values())
    return sum(one["rows"] for one in value) if isinstance(value, list) else int(value)


def _told(rows: Mapping[str, Any], groups: Mapping[str, Any]) -> str:
    parts = [f"{_sum(value):,} {name}" for of in (rows, groups) for name, value in of.items() if _sum(value)]
    return ", ".join(parts)
