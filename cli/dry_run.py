"""A dry run: the app's own reader, batcher and publisher, but requests are only counted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from activation.drops.chunk import ByteSource, DropReader
from activation.drops.columns import MappedColumns, map_columns
from activation.drops.date_orders import reads_dates, with_date_order
from activation.drops.folder_files import FolderFiles, FolderMember
from activation.drops.folder_header import common_header
from activation.drops.folder_reader import FolderReader
from activation.drops.locate import Located
from activation.drops.open import open_drop
from activation.drops.reading import Reading
from activation.drops.row_filters import RowFilter, asks_in_vain, ends_empty, none_sent, row_filters
from activation.drops.row_looks import refuse_unsaid
from activation.drops.sampling import lookalikes, take_sample
from activation.errors import Rejected
from activation.identifiers.column_map import Entries
from activation.identifiers.dates import order_of
from activation.identifiers.row_rules import read_rule
from activation.identifiers.table import Context, FieldTable
from activation.model import Cursor
from activation.pipeline.batching import Batcher
from activation.platforms.limits import Limits
from activation.platforms.platform import Platform
from activation.platforms.publisher import Publisher
from activation.platforms.rate import Tier
from activation.platforms.session import ANSWER_S, answers_s
from activation.report.warnings import refuse_weak
from activation.row_rule import RowRule
from activation.runs.settings import DELIMITERS

from cli.connectors import NamedConnector
from cli.dry_run_requests import DryRequests
from cli.dry_run_scan import scanned
from cli.dry_run_sums import Sums

MB = 1_000_000
Content = ByteSource | tuple[FolderMember, ...]  # of one file, or the files of a folder


@dataclass(frozen=True)
class DryRun:
    """A located drop, its connector, and how its cells are read.

    `own_columns` is what was said of this file's columns alone: see activation/identifiers/column_map.py.
    """

    located: Located
    connector: NamedConnector
    context: Context
    own_columns: Entries = ()

    @classmethod
    def of(
        cls,
        located: Located,
        connector: NamedConnector,
        default_country: str = "",
        date_order: str = "",
        said: Entries = (),
        *,
        time_zone: str = "",
        encoding: str = "",
    ) -> DryRun:
        """Return the dry run of a drop, read by the connector's settings; what is given here wins over them.

        `said` is what is said of this file's columns alone.
        """
        settings = connector.settings
        context = Context(
            default_country or str(settings.get("default_country") or ""),
            frozenset(settings.get("placeholders") or ()),
            date_order or str(settings.get("date_order") or ""),
            time_zone or str(settings.get("time_zone") or ""),
        )
        if encoding:
            connector = replace(connector, settings={**settings, "encoding": encoding})
        return cls(located, connector, context, said)

    def over(self, source: Content) -> Sums:
        """Read the whole drop as the connector would; return the counts, and the refusal if there is one."""
        sums = Sums()
        began_s = time.process_time()
        try:
            self._read(source, sums)
            self.check_session(sums, self.platform.rate.tier(self.connector.options))
            self._refuse_none_sent(sums)
        except Rejected as error:
            if error.code != "empty_file":  # such a run ends normally and sends nothing
                sums.refusal = error
            else:
                sums.whole = True
        sums.cpu_s = time.process_time() - began_s
        return sums

    def check_session(self, sums: Sums, tier: Tier) -> None:
        """Raise Rejected for a drop that does not fit in the session that the platform would take it in."""
        session = self._limits.session_of(self.located.audience.action)
        if session is not None:
            session.check_rows(sums.rows)
            session.check_time(sums.uploads, tier, answers_s(sums.uploads, self.in_flight))

    def refused_at_once(self, source: Content) -> Rejected | None:
        """Return why a run would refuse the drop by its header and its first rows; None if it would not.

        It reads on until a row would be sent, which of most drops is one of the first: of a drop of which none
        would, all. What a run finds by reading the whole drop first is not looked for.
        """
        sums = Sums()
        try:
            reader = self.open(source)
            mapped, context = self._begin(reader, sums)
            batcher = self._batcher(mapped, context, self.filters(reader))
            requests = self._requests(mapped)
            for prepared in batcher.spans(reader.chunks(Cursor()), Cursor(), ()):
                requests.note(prepared, sums)
                if sums.sent:
                    return None
            self._refuse_none_sent(sums)
        except Rejected as error:
            return None if error.code == "empty_file" else error
        return None

    def _refuse_none_sent(self, sums: Sums) -> None:
        """Raise Rejected for a drop with rows of which none would be sent."""
        if sums.rows and not sums.sent and not ends_empty(self.located.audience.action, sums.rejected):
            raise none_sent({code: found.count for code, found in sums.rejected.items()})

    def _requests(self, mapped: MappedColumns) -> DryRequests:
        """Return what counts the requests of the drop's batches."""
        opened = self._publisher.planned(_keys(mapped))
        return DryRequests(self.platform, self._publisher, self._limits, self.located.audience, opened)

    def _begin(self, reader: DropReader, sums: Sums) -> tuple[MappedColumns, Context]:
        """Note what a run knows of the drop before it scans it; raises as the run would."""
        kind = self.located.kind
        sums.format = reader.format
        sums.folder = reader if isinstance(reader, FolderReader) else None
        mapped = self.mapped(reader)
        sums.columns, sums.ignored_columns = mapped.used, tuple(mapped.ignored)
        context = self.reading(reader, mapped).context
        sums.proposed_columns, sums.others_columns = mapped.proposed, mapped.others
        sums.date_order = order_of(context) if reads_dates(mapped.columns) and not kind.hashed else ""
        keys = _keys(mapped)
        with closing(self._publisher.open(self.located.audience, keys)) as conversation:
            next(conversation, None)  # raises if the audience's name is invalid, before any request
        sums.sample = take_sample(
            reader,
            mapped,
            kind,
            self.platform.table,
            context,
            ignored=mapped.told_ignored,
            asks_in_vain=asks_in_vain(self._settings_reading, reader.header, kind, self.located.audience.action),
        )
        refuse_unsaid(sums.sample.unsaid, self.located.audience.action)
        if not self._setting("allow_weak"):
            refuse_weak(sums.sample)
        return mapped, context

    def _read(self, source: Content, sums: Sums) -> None:
        reader = self.open(source)
        mapped, context = self._begin(reader, sums)
        requests = self._requests(mapped)
        sums.notes = requests.opened.notes
        batcher = self.scanned(reader, mapped, context)
        for prepared in batcher.spans(reader.chunks(Cursor()), Cursor(), ()):
            requests.note(prepared, sums)
        sums.whole = True

    def open(self, source: Content) -> DropReader:
        """Open the drop as the connector would; raises what `open_drop` or `common_header` raises."""
        single = self.located.kind.single
        encoding = self._setting("encoding") or None
        delimiter = DELIMITERS.get(self._setting("delimiter"), self._setting("delimiter")) or None
        if isinstance(source, tuple):
            files = FolderFiles(source, single, delimiter, encoding)
            return FolderReader(common_header(files), files)
        return open_drop(source, single=single, declared_encoding=encoding, declared_delimiter=delimiter)

    def mapped(self, reader: DropReader) -> MappedColumns:
        """Return the columns as a run would map them; raises what `map_columns` raises."""
        kind, table = self.located.kind, self.table
        ruled = {index: one.setting for one in self.filters(reader) for index in one.indexes}
        return map_columns(
            table,
            reader.header,
            kind,
            self.own_columns,
            reader.nested,
            settings=self.connector_columns,
            looks=lambda unused: lookalikes(reader, unused, kind, table, self.context),
            ruled=ruled,
        )

    def filters(self, reader: DropReader) -> tuple[RowFilter, ...]:
        """Return what takes rows out as a run would; raises what `row_filters` raises."""
        return row_filters(self._settings_reading, reader.header, self.located.kind, self.located.audience.action)

    def reading(self, reader: DropReader, mapped: MappedColumns) -> Reading:
        """Return how a run of this drop would read it."""
        return with_date_order(Reading(self.context), reader, mapped.columns, hashed=self.located.kind.hashed)

    def scanned(self, reader: DropReader, mapped: MappedColumns, context: Context) -> Batcher:
        """Return the batcher that a run has once it has scanned the drop; raises what the scan raises."""
        return scanned(reader, mapped.columns, self._batcher(mapped, context, self.filters(reader)))

    def _batcher(self, mapped: MappedColumns, context: Context, filters: tuple[RowFilter, ...]) -> Batcher:
        return Batcher(
            table=self.table,
            fields=mapped.fields,
            context=context,
            hashed=self.located.kind.hashed,
            max_rows=self._limits.rows_of(one for _, one in mapped.fields),
            several=mapped.several,
            filters=filters,
            ignored=mapped.told_ignored,
        )

    @property
    def encoding(self) -> str:
        """Return the encoding that is declared for the drop, or for all of the connector's, "" for none."""
        return str(self._setting("encoding") or "")

    @property
    def connector_columns(self) -> Entries:
        """Return what the connector's settings say of its files' columns."""
        return tuple(dict(self._setting("columns") or ()).items())

    @property
    def _settings_reading(self) -> Reading:
        """Return what the settings say of rows."""
        return Reading(
            self.context,
            consent=self._rule("consent"),
            operation=self._rule("operation"),
            audience_consent=self.located.audience.options.consent,
        )

    def _rule(self, name: str) -> RowRule:
        return read_rule(self._setting(name) or {})

    @property
    def platform(self) -> Platform:
        """Return the connector's platform."""
        return self.connector.platform

    @property
    def table(self) -> FieldTable:
        """Return the platform's fields, with those required that every row of the audience fills."""
        return self.platform.table_for(self.located.audience.options)

    @property
    def tiers(self) -> Mapping[str, Tier]:
        """Return the access tiers to plan for: the account's if the settings name it, else all."""
        return self.platform.rate.planned(self.connector.options)

    @cached_property
    def _publisher(self) -> Publisher:
        return self.platform.rehearsal(self.connector.options)

    @property
    def _limits(self) -> Limits:
        """Return the platform's limits as the connector's settings narrow them."""
        return self.platform.limits.narrowed(
            max_rows=int(self._setting("max_rows_per_request") or 0),
            max_bytes=int(self._setting("max_mb_per_request") or 0) * MB,
        )

    def _setting(self, name: str) -> Any:
        return self.connector.settings.get(name)

    def people(self, sums: Sums) -> int:
        """Return the number of different people, capped at the number of rows, since an estimate may exceed it."""
        return min(sums.people.count(), sums.sent)

    @property
    def in_flight(self) -> int:
        """Return how many requests are surely in flight at a time."""
        return int(self._setting("requests_in_flight") or self.platform.limits.in_flight)

    @property
    def most_in_flight(self) -> int:
        """Return how many requests are in flight where an answer takes ANSWER_S, with the default memory."""
        if self._setting("requests_in_flight"):
            return self.in_flight
        paced = max(one.steady_per_s for one in self.tiers.values()) * ANSWER_S
        return max(self.in_flight, int(min(self.platform.limits.most_in_flight, paced)))


def _keys(mapped: MappedColumns) -> tuple[str, ...]:
    return tuple(one.key for _, one in mapped.fields)
