"""What a drop would do to a suppression list, found on this machine by reading it as the lists' function does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from activation.errors import Rejected
from activation.identifiers.table import Context
from activation.model import Action, Cursor
from activation.pipeline.findings import row_reasons

from lambdas.suppressions.list_drop import ListDrop, names_nobody, refuse_hashed, too_many

if TYPE_CHECKING:
    from activation.drops.chunk import DropReader
    from activation.drops.locate import Located
    from activation.identifiers.column_map import Entries
    from activation.model import Kind

    from cli.connectors import NamedConnector


@dataclass
class ListPlan:
    """What reading a drop comes to.

    `named` are the rows that hold somebody, `rejected` counts the others by code, and `identifiers` are different
    ones by the platform that would find them. `refused` is why the list would stay as it is, None if it would not.
    """

    rows: int = 0
    named: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    columns: Mapping[str, str] = field(default_factory=dict)
    ignored_columns: tuple[str, ...] = ()
    identifiers: Mapping[str, int] = field(default_factory=dict)
    refused: Rejected | None = None

    @classmethod
    def over(
        cls,
        reader: DropReader,
        located: Located,
        contexts: tuple[Context, ...],
        said: Entries = (),
        *,
        most_rows: int = 0,
    ) -> ListPlan:
        """Read a whole drop; `contexts` is how cells are read, `said` what is said of its columns.

        `most_rows` is how many people it may hold, 0 where that is not known.
        """
        plan = cls()
        try:
            plan._read(reader, located.kind, contexts, said)
            if not plan.rows:
                raise Rejected("empty_file", "the drop has no rows: the list would stay as it is")
            if not plan.named:
                raise names_nobody(located.kind, plan.rejected)
            lifts = located.audience.action is Action.REMOVE
            if sentence := too_many(plan.named, most_rows or plan.named, lifts=lifts):
                raise Rejected("too_many_at_once", sentence)
        except Rejected as error:
            plan.refused = error
        return plan

    def _read(self, reader: DropReader, kind: Kind, contexts: tuple[Context, ...], said: Entries) -> None:
        refuse_hashed(kind)
        drop = ListDrop.of(reader, kind, contexts, contexts[0], said)
        self.columns, self.ignored_columns = dict(drop.mapped.used), tuple(drop.mapped.ignored)
        drop.refuse_useless()
        for chunk in reader.chunks(Cursor()):
            named, unnamed = drop.look(chunk)
            self.rows += chunk.row_count
            self.named += named
            self.rejected.update(row_reasons(unnamed))
        self.identifiers = {name: len(heads) for name, heads in drop.heads().items() if len(heads)}

    def document(self, key: str) -> dict[str, Any]:
        """Return it as JSON's values."""
        refused = self.refused
        return {
            "key": key,
            "refused": {"code": refused.code, "sentence": refused.sentence} if refused else None,
            "rows": self.rows,
            "rows_named": self.named,
            "rejected_by_us": dict(self.rejected),
            "columns": dict(self.columns),
            "ignored_columns": list(self.ignored_columns),
            "identifiers": dict(self.identifiers),
        }


def contexts_of(connectors: Iterable[NamedConnector]) -> tuple[Context, ...]:
    """Return how the lists' function reads cells: once for each default country that a connector has."""
    settings = [one.settings for one in connectors]
    countries = sorted({str(one.get("default_country") or "").upper() for one in settings} or {""})
    placeholders = frozenset(text for one in settings for text in one.get("placeholders") or ())
    return tuple(Context(country, placeholders) for country in countries)
