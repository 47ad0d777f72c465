"""What an audience's file last said, kept after the bucket's retention has deleted the file itself."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from activation.aws.table import ConditionalTable, ConditionFailed, number, read_text
from activation.ledger.keys import options_key


@dataclass(frozen=True)
class KeptOptions:
    """The newest text of each audience's file below a `connector`'s prefix, in the ledger's `table`.

    The records never expire: the options of an audience hold until another file takes them back.
    """

    table: ConditionalTable
    connector: str

    def read(self, audience: str) -> str:
        """Return the text that was kept for an audience, "" for none; raises what the table raises."""
        return read_text(self.table.read(options_key(self.connector, audience)) or {}, "file_text")

    def keep(self, audience: str, text: str, written_at: float) -> None:
        """Keep a file's text unless that of a newer file is kept; `written_at` is when it was, in Unix seconds."""
        with suppress(ConditionFailed):
            self.table.update(
                options_key(self.connector, audience),
                "SET file_text = :text, written_at = :at",
                {":text": {"S": text}, ":at": number(written_at)},
                condition="attribute_not_exists(written_at) OR written_at <= :at",
            )
