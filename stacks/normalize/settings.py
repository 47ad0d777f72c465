"""The section `normalize` of the settings: exports that a Glue job turns into drops. See docs/glue.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from activation.model import Action

from stacks.connector_settings import ConnectorSettings
from stacks.context import Reader
from stacks.names import BUCKET, KEY_ARN, KEY_MEANING, NAME
from stacks.normalize.export_columns import read_export_columns
from stacks.normalize.mapping_settings import MappingSettings, read_mapping_file
from stacks.normalize.schedule import read_schedule

# What the function is told of an export takes some 300 of the 4,096 bytes that its variables may have.
MOST_EXPORTS = 10
# https://docs.aws.amazon.com/glue/latest/dg/worker-types.html, read 2026-11-30. Flex only has the first two:
# https://docs.aws.amazon.com/glue/latest/dg/add-job.html, read 2026-11-30
WORKER_TYPES = ("G.1X", "G.2X", "G.4X", "G.8X", "G.12X", "G.16X", "R.1X", "R.2X", "R.4X", "R.8X")
FLEX_TYPES = ("G.1X", "G.2X")
GLUE_VERSIONS = ("5.1", "6.0")  # those whose Python stacks/glue_assets.py knows
ENGINES = ("glue", "databrew")
TAKES = ("new", "all")
# As in a source's prefix: it is in a policy, where `*`, `?` and `${` are wildcards.
_PREFIX = r"(?=.{1,512}\Z)([^*?$/\x00-\x1f\x7f-\x9f\u0100-\U0010ffff]+/)+"


@dataclass(frozen=True)
class JobSettings:
    """How the Glue job runs: `workers` of a type, the first of which is the driver; `retries` of one export."""

    glue_version: str
    worker_type: str
    workers: int
    flex: bool
    timeout_minutes: int
    retries: int
    max_concurrent_runs: int


@dataclass(frozen=True)
class ExportSettings:
    """An export: a folder, with the folders below it, of the exports bucket.

    `engine` is "glue", or "databrew" for a recipe job of DataBrew in place of the Glue job.
    `prefix` ends in a slash. `takes` is "new" for the files that no earlier start took, "all" for the whole
    folder. `quiet_minutes` closes a folder without a sign, 0 for never. `schedule` is an expression of EventBridge
    Scheduler in `time_zone`, "" where the export's completion starts the job. `columns` are the names of its
    columns with their Athena types, empty where it has no table.
    """

    name: str
    prefix: str
    mapping: MappingSettings
    takes: str
    quiet_minutes: int
    schedule: str
    time_zone: str
    engine: str = ENGINES[0]
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the export's name as construct ids spell it: big-spenders becomes BigSpenders."""
        return "".join(part.title() for part in self.name.split("-"))

    @property
    def table(self) -> str:
        """Return the name of the table over its drops, and in another database of that over its files."""
        return self.name.replace("-", "_")


@dataclass(frozen=True)
class NormalizeSettings:
    """The job and its exports.

    `bucket` is an existing bucket of the app's account that the exports are in, "" for one that the app makes;
    `key_arn` the KMS key that encrypts an existing one, "" for S3's own. `exports_days` is how long exports are
    kept in the app's own bucket.
    """

    job: JobSettings
    exports: tuple[ExportSettings, ...]
    bucket: str
    key_arn: str
    exports_days: int

    def with_engine(self, engine: str) -> tuple[ExportSettings, ...]:
        """Return the exports of an engine."""
        return tuple(one for one in self.exports if one.engine == engine)


def read_normalize(
    reader: Reader, connectors: tuple[ConnectorSettings, ...], root: Path
) -> NormalizeSettings | None:
    """Read the section, whose mappings are files below `root`; None if there is none."""
    if not reader.given:
        return None
    bucket = reader.text("bucket", pattern=BUCKET, meaning="the name of an existing bucket", default="")
    settings = NormalizeSettings(
        job=_job(reader.section("job")),
        exports=_exports(reader, connectors, root),
        bucket=bucket,
        key_arn=reader.text("key_arn", pattern=KEY_ARN, meaning=KEY_MEANING, default=""),
        exports_days=reader.whole("exports_days", low=0, high=3650, default=0 if bucket else 30),
    )
    if bucket and settings.exports_days:
        reader.mistake("exports_days", "an existing bucket keeps its own lifecycle rules: set them there")
    if not bucket and not settings.exports_days:
        reader.mistake("exports_days", "must be at least 1: exports hold people's data in clear")
    if settings.key_arn and not bucket:
        reader.mistake("key_arn", "is for an existing bucket; the app's own bucket has the app's key")
    reader.finish()
    return settings


def _job(reader: Reader) -> JobSettings:
    job = JobSettings(
        glue_version=reader.choice("glue_version", GLUE_VERSIONS, default=GLUE_VERSIONS[0]),
        worker_type=reader.choice("worker_type", WORKER_TYPES, default="G.1X"),
        workers=reader.whole("workers", low=2, high=299, default=2),
        flex=reader.flag("flex", default=False),
        timeout_minutes=reader.whole("timeout_minutes", low=1, high=7 * 24 * 60, default=120),
        retries=reader.whole("retries", low=0, high=5, default=1),
        max_concurrent_runs=reader.whole("max_concurrent_runs", low=1, high=100, default=3),
    )
    if job.flex and job.worker_type not in FLEX_TYPES:
        reader.mistake("flex", f"is for workers of type {' or '.join(FLEX_TYPES)}")
    reader.finish()
    return job


def _exports(reader: Reader, connectors: tuple[ConnectorSettings, ...], root: Path) -> tuple[ExportSettings, ...]:
    found: list[ExportSettings] = []
    for one in reader.sections("exports"):
        export = _export(one, connectors, root)
        for other in found:
            if export.name and export.id.lower() == other.id.lower():
                one.same_name(export.name, other.name)
            if export.prefix and other.prefix and _overlap(export.prefix, other.prefix):
                one.mistake("prefix", f"is within or around that of {other.name}: a file would belong to both")
        found.append(export)
        one.finish()
    if len(found) > MOST_EXPORTS:
        reader.mistake("exports", f"are more than {MOST_EXPORTS}: move some to a second copy of the app")
    return tuple(found)


def _export(reader: Reader, connectors: tuple[ConnectorSettings, ...], root: Path) -> ExportSettings:
    name = reader.text(
        "name",
        pattern=rf"(?=.{{1,32}}\Z){NAME}",
        meaning="up to 32 lower-case letters, digits and single hyphens, a letter first",
    )
    schedule, time_zone = read_schedule(reader)
    engine = reader.choice("with", ENGINES, default=ENGINES[0])
    mapping = read_mapping_file(reader, connectors, root, databrew=engine == "databrew")
    export = ExportSettings(
        name=name,
        prefix=reader.text(
            "prefix",
            pattern=_PREFIX,
            meaning='folders, each with a slash after it, such as "clean-rooms/vip/", without * ? $ and letters'
            " beyond Latin-1",
            default=f"{name}/" if name else "",
        ),
        mapping=mapping,
        takes=reader.choice("takes", TAKES, default="new"),
        quiet_minutes=reader.whole("quiet_minutes", low=0, high=24 * 60, default=0),
        schedule=schedule,
        time_zone=time_zone,
        engine=engine,
        columns=read_export_columns(reader, mapping),
    )
    if engine == "databrew":
        _check_databrew(reader, export, connectors)
    if export.schedule and export.quiet_minutes:
        reader.mistake("quiet_minutes", "an export with a schedule is started by it alone: leave one of them out")
    if (
        export.takes == "new"
        and reader.has("schedule")
        and export.mapping.action in (Action.REPLACE, Action.MIRROR)
    ):
        reader.mistake(
            "takes",
            f'the mapping\'s action is {export.mapping.action}: with "new", everybody who is only in earlier files'
            ' would leave the audience. Write "all"',
        )
    return export


def _check_databrew(reader: Reader, export: ExportSettings, connectors: tuple[ConnectorSettings, ...]) -> None:
    """Report what DataBrew, whose schedules are in UTC and whose drops have no sign, cannot do."""
    if not export.schedule.startswith("cron"):
        reader.mistake("schedule", "with DataBrew it must be there, such as cron(0 6 ? * MON-FRI *)")
    if export.time_zone != "UTC":
        reader.mistake("time_zone", "with DataBrew it must be UTC: its schedules have no other")
    if export.takes != "all":
        reader.mistake("takes", 'with DataBrew it must be "all": it remembers no files')
    connector = next((one for one in connectors if one.name == export.mapping.connector), None)
    if connector and not connector.folder_quiet_minutes:
        reader.mistake(
            "with",
            f"DataBrew writes no sign: set folder_quiet_minutes of connector {connector.name}, which closes its"
            " drops",
        )


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
