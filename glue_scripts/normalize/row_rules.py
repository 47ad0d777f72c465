"""Columns of an export that seem to say which rows may be used, and of which the mapping says nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping

from activation.drops.chunk import DropReader
from activation.drops.row_filters import CONSENT
from activation.drops.row_looks import refuse_unsaid
from activation.drops.sampling import unsaid_of
from activation.identifiers.column_map import IGNORE, columns_called

from glue_scripts.normalize.plan import Plan


def refuse_unmapped(plan: Plan, reader: DropReader) -> None:
    """Raise Rejected (consent_unmapped, operation_unmapped) by the export's first rows, as a connector would.

    No connector could do so later: what is written holds neither these columns nor, once grouped, their rows.
    """
    refuse_unsaid(unsaid_of(reader, _said(plan)), plan.mapping.target.action, _in_mapping)


def _said(plan: Plan) -> set[int]:
    """Return the indexes of the export's columns of which the mapping says something that tells rows apart."""
    mapping = plan.mapping
    names = [*mapping.consent.columns, *(one.column for one in mapping.filters), *dict(mapping.columns)]
    return {index for name in names for index in columns_called(name, plan.source)}


def _in_mapping(rule: str, columns: Mapping[str, str]) -> str:
    name, answers = next(iter(columns.items()))
    column = json.dumps(name, ensure_ascii=False)
    ignored = json.dumps(dict.fromkeys(columns, IGNORE), ensure_ascii=False)
    if rule == CONSENT:
        what = (
            f'"consent": {{"column": {column}, "allow": {answers}}} in the mapping, with the answers whose rows '
            "may be written"
        )
    else:
        what = (
            f'a condition on {column} in the mapping\'s "filters" that keeps the other rows, such as '
            f'{{"column": {column}, "not_in": ["D"]}}'
        )
    return f'nothing was written: write {what}; or, for columns that say nothing of that, "columns": {ignored}'
