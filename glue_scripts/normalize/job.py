"""A run from an export to a drop: prepared before anything is written, finished by the manifest alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import uuid4

import pyarrow as pa
from activation.drops.folder_header import FolderHeader
from activation.drops.folder_reader import FolderReader
from activation.drops.locate import locate
from activation.drops.sample import Sample
from activation.drops.sidecars import WRITTEN_MANIFEST, is_sidecar_folder
from activation.errors import Rejected
from activation.model import Action

from glue_scripts.normalize.duplicates import DuplicateStep
from glue_scripts.normalize.export import Export, export_at, listed_export
from glue_scripts.normalize.first_look import first_look
from glue_scripts.normalize.groups import GroupStep
from glue_scripts.normalize.mapping import AudienceMapping
from glue_scripts.normalize.mapping_checks import table_of
from glue_scripts.normalize.mapping_keys import LONGEST_NAME, PART
from glue_scripts.normalize.parts import PartStep, is_left_over
from glue_scripts.normalize.plan import Plan, plan_of
from glue_scripts.normalize.report import Report, manifest_of, report_of
from glue_scripts.normalize.row_rules import refuse_unmapped
from glue_scripts.normalize.rows import RowStep
from glue_scripts.normalize.storage import S3_FOLDER, Folder, LocalFolder, folder_of, text_if_there

MANIFEST = WRITTEN_MANIFEST
REPORT = "_activation/report.json"


@dataclass(frozen=True)
class Job:
    """All that a step needs, in a form that can be sent to a Spark task.

    `header` is what the files of the export have in common. `key` is the drop's folder below the output's root,
    `work` the folder that parts are written to: the drop's own in S3, one beside it on this machine. `claim` names
    what the drop is for, "" for nothing. `sample` is what the export's first rows show.
    """

    mapping: AudienceMapping
    export: Export
    header: FolderHeader
    key: str
    root: Folder
    work: Folder
    claim: str = ""
    sample: Sample = field(default_factory=Sample)
    id: str = field(default_factory=lambda: uuid4().hex)

    def reader(self) -> FolderReader:
        """Return the export's reader; no header is read again."""
        return self.export.opened(self.mapping.input, self.header)

    def plan(self) -> Plan:
        """Return the plan for the export."""
        return plan_of(self.mapping, self.reader())

    def row_step(self, plan: Plan) -> RowStep:
        """Return the first step."""
        names = {one.name: index for index, one in enumerate(self.export.files)}
        return RowStep(plan, names.__getitem__)

    def part_step(self, plan: Plan, partition: int = 0) -> PartStep:
        """Return the last step, of one partition."""
        output, files = self.mapping.output, tuple(one.name for one in self.export.files)
        return PartStep(self.work, plan.output, files, output.format, output.rows_per_part, partition)

    def finish(self, plan: Plan, results: pa.Table, engine: str) -> Report:
        """Write the report, then the manifest, which makes the folder a drop.

        Raises Rejected where the export could not be read to its end or nothing is left, and RuntimeError where
        the sums do not add up; the folder is no drop then.
        """
        report = report_of(
            self.mapping,
            plan,
            results,
            export=self.export,
            key=self.key,
            engine=engine,
            sample=self.sample,
            claim=self.claim,
        )
        listed = {one.name for one in report.files}
        self.work.delete(one.name for one in self.work.files() if one.name not in listed)
        self.work.write(REPORT, report.text().encode())
        folder = self.root.folder(self.key)
        self.work.write(MANIFEST, manifest_of(plan, report, folder).encode())
        if isinstance(self.work, LocalFolder) and isinstance(folder, LocalFolder):
            self.work.move(folder)
        return report

    def abandon(self) -> None:
        """Remove what was written of a run that failed; in S3 it stays, and is no drop without its manifest."""
        if isinstance(self.work, LocalFolder):
            self.work.remove()


def job_of(
    mapping: AudienceMapping, source: str, output: str, folder: str = "", listing: str = "", *, claim: str = ""
) -> tuple[Job, Plan]:
    """Return the job and its plan; nothing is written yet.

    `source` and `output` are paths or s3:// URLs, `folder` the name of the drop's folder, by default the mapping's
    name with the time in UTC. `listing` names a stored list of the objects that are read in place of `source`,
    `claim` what the drop is for.

    Raises Rejected: whatever is wrong with the export, its header, the key or the mapping against it, a column of
    consent of which the mapping says nothing (consent_unmapped), and output_exists where the folder is there
    already. In S3 it may hold what an attempt that failed has left, which this one removes.
    """
    if listing:
        export = listed_export(listing)
    else:
        # A job's role may not list beside its prefix to look for an object of that name: a slash says what it is.
        export = export_at(folder_of(source), mapping.input.complete, is_folder=bool(S3_FOLDER.fullmatch(source)))
    header = export.opened(mapping.input).found
    key = key_of_drop(mapping, folder or f"{mapping.name or 'normalized'}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    root = folder_of(output)
    own = root.folder(key)
    if isinstance(own, LocalFolder):
        is_taken = own.path.exists()
    else:
        is_taken = not all(is_left_over(one.name) for one in own.files())
    if is_taken:
        raise Rejected("output_exists", "the output folder is there already; choose another folder")
    work: Folder = own
    if isinstance(own, LocalFolder):
        work = LocalFolder(own.path.with_name(f".{own.path.name}.{uuid4().hex[:8]}"))
    job = Job(mapping, export, header, key, root, work, claim)
    plan = job.plan()
    refuse_unmapped(plan, job.reader())
    # Tasks read dates as the driver does: by the order that the first rows show.
    told = replace(mapping, context=plan.context)
    return replace(job, mapping=told, sample=first_look(plan, job.reader())), plan


def made_before(mapping: AudienceMapping, output: str, folder: str, claim: str, record: str = "") -> Report | None:
    """Return the report of a drop in S3 that an earlier attempt for the same claim has made, None for no such.

    An attempt may be killed after its manifest, which closes the drop: to whoever started it, it has failed. The
    drop may be deleted by then, so `record`, an s3:// URL or "", keeps the report too.
    """
    own = folder_of(output).folder(key_of_drop(mapping, folder))
    if isinstance(own, LocalFolder):
        return None
    is_there = {MANIFEST, REPORT} <= {one.name for one in own.files()}
    kept = text_if_there(own.url(REPORT) if is_there else record) if is_there or record else None
    document = json.loads(kept or b"{}")
    return Report(document, ()) if document.get("claim") == claim else None


def key_of_drop(mapping: AudienceMapping, folder: str) -> str:
    """Return the key of the drop's folder, without a slash at its end; raises Rejected as `locate` does."""
    target = mapping.target
    parts = [target.connector, target.audience, mapping.output.identifiers]
    if target.action is not Action.ADD:
        parts.append(target.action.value)
    if not re.fullmatch(PART, folder) or is_sidecar_folder(folder) or len(folder.encode()) > LONGEST_NAME:
        raise Rejected(
            "bad_folder",
            f'the folder\'s name must have 1 to {LONGEST_NAME} bytes, without "/" and control characters; it must '
            "not begin with a dot or be one that readers of a drop pass over, such as _temporary",
        )
    key = "/".join([*parts, folder])
    locate(f"{key}/{MANIFEST}", connector=target.connector, table=table_of(mapping), actions=frozenset(Action))
    return key


def in_process(job: Job, plan: Plan) -> pa.Table:
    """Run all steps in this process, and return what the last one gives.

    Rows stream from step to step, but groups and lines that may be duplicates are held in memory.
    """
    from activation.model import Cursor

    batches: Iterable[pa.RecordBatch] = job.row_step(plan).run(job.reader().chunks(Cursor()))
    if plan.mapping.is_grouped:
        batches = GroupStep(plan).run(batches)
    if plan.mapping.output.deduplicate:
        batches = DuplicateStep(len(plan.output)).run(batches)
    return pa.Table.from_batches(job.part_step(plan).run(batches))
