"""The rows of tables as declarations, for a command that only looks: nothing is written into the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from activation.errors import ActivationError

from lambdas.sync.catalogue import with_rows
from lambdas.sync.configurations import ConfigurationTables, RowProblem, declaration_name
from lambdas.sync.connector_accounts import ConnectorAccounts
from lambdas.sync.declaration import Declaration, Declarations
from lambdas.sync.sources import Sources


@dataclass(frozen=True)
class Rows:
    """The declarations of rows and what is wrong with the other rows, by their declarations' names.

    `unread` is what kept tables from being read, by the tables' names.
    """

    declared: dict[str, Declaration]
    wrong: dict[str, ActivationError]
    unread: dict[str, ActivationError]

    def why_not(self, name: str) -> ActivationError | None:
        """Return why a row declares nothing, None where there is no such row.

        It may be one of a table that cannot be read.
        """
        return self.wrong.get(name) or next(iter(self.unread.values()), None)


def read_rows(declared: Declarations, sources: Sources, connectors: Sequence[ConnectorAccounts]) -> Rows:
    """Read the rows of the declared tables as a tick does."""
    problems: list[RowProblem] = []
    found = with_rows(declared, ConfigurationTables(sources.postgres, connectors, problems.extend))
    rows = {one.name: one for one in found.declarations if one.row is not None}
    wrong = {declaration_name(one.table, one.system_name): one.error for one in problems}
    return Rows(rows, wrong, found.problems)
