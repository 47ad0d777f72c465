"""The list `clean_rooms` of the settings: queries that run by a schedule, and where their results go."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from stacks.context import Reader
from stacks.names import BUCKET, KEY_ARN, KEY_MEANING, NAME
from stacks.normalize.schedule import read_schedule
from stacks.normalize.settings import NormalizeSettings
from stacks.source_settings import SourceSettings

# Of the SDK's model of the service, botocore 1.44.8: https://docs.aws.amazon.com/clean-rooms/latest/apireference/
# API_StartProtectedQuery.html and API_ProtectedQueryS3OutputConfiguration.html, read 2026-11-30
_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TEMPLATE = rf"arn:aws[-a-z]*:cleanrooms:[\w-]+:\d{{12}}:membership/{_ID}/analysistemplate/{_ID}"
_PARAMETER, MOST_VALUE = r"[0-9a-zA-Z_]{1,100}", 1_000
_PREFIX = r"(?=.{1,400}\Z)([\w!.=-]+/)+"  # the service takes 512, of which names and slots need a part
FORMATS = ("CSV", "PARQUET")
WORKER_TYPES = ("CR.1X", "CR.4X", "CR.8X")
# The function is told a query in a variable, beside others in 4,096 bytes; an analysis template has no such limit.
MOST_SQL_BYTES = 2_000


@dataclass(frozen=True)
class CleanRoomsQuery:
    """A query of a membership in a collaboration.

    `sql`, or the ARN of an analysis `template` and its `parameters`. `schedule` is an expression of EventBridge
    Scheduler in `time_zone`. The results go below `prefix`, which ends in a slash, of `bucket`, whose objects
    `key_arn` encrypts, "" for S3's own encryption. `source` is the name of the source that these are, "" where
    something else reads them. An empty `bucket` is the app's own one of exports, of which the stack says
    `bucket_arn`. `worker_type` is "" for the service's own choice. A query that is `paused` is due at
    no time. `app` is the name of the app.
    """

    name: str
    membership: str
    collaboration: str
    sql: str
    template: str
    schedule: str
    time_zone: str
    result_format: str
    bucket: str
    prefix: str
    key_arn: str
    source: str
    worker_type: str
    workers: int
    paused: bool = False
    bucket_arn: str = ""
    app: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the query's name as construct ids spell it: big-spenders becomes BigSpenders."""
        return "".join(part.title() for part in self.name.split("-"))

    @property
    def results_prefix(self) -> str:
        """Return the prefix of this query's own results.

        A lost start is looked for by where its results go, so the app's name is in it: two copies of the app may
        have the same membership, bucket and prefix, and a query of the same name. As a partition, it is no folder
        whose name could be meant as an action: see drops/locate.py.
        """
        return f"{self.prefix}query={self.app}.{self.name}/"

    @property
    def variable(self) -> dict[str, object]:
        """Return what the function must know of the query, without what it has a default for."""
        told: dict[str, object] = {
            "name": self.name,
            "membership": self.membership,
            "bucket": self.bucket,
            "prefix": self.results_prefix,
            "sql": self.sql,
            "template": self.template,
            "parameters": dict(self.parameters),
            "result_format": self.result_format,
            "worker_type": self.worker_type,
            "workers": self.workers if self.worker_type else 0,
        }
        return {key: value for key, value in told.items() if value and (key, value) != ("result_format", "CSV")}


def read_clean_rooms(
    reader: Reader, sources: Sequence[SourceSettings], normalize: NormalizeSettings | None, app: str
) -> tuple[CleanRoomsQuery, ...]:
    """Read the list, of the app of this name; mistakes are the reader's."""
    found: list[CleanRoomsQuery] = []
    for one in reader.sections("clean_rooms", optional=True):
        query = replace(_read(one, {source.name: source for source in sources}, normalize), app=app)
        alike = next((other for other in found if query.name and other.id.lower() == query.id.lower()), None)
        if alike:
            one.same_name(query.name, alike.name)
        found.append(query)
        one.finish()
    return tuple(found)


def _read(
    reader: Reader, sources: Mapping[str, SourceSettings], normalize: NormalizeSettings | None
) -> CleanRoomsQuery:
    schedule, time_zone = read_schedule(reader)
    if not schedule and not reader.has("schedule"):
        reader.mistake("schedule", "missing; must be such as cron(0 6 ? * MON-FRI *) or rate(12 hours)")
    elif schedule.startswith("rate(") and "minute" in schedule:
        reader.mistake("schedule", "each run is a query that costs: use hours or days, or cron(...)")
    bucket, prefix, key_arn, source = _place(reader, sources, normalize)
    worker_type = reader.choice("worker_type", ("", *WORKER_TYPES), default="")
    query = CleanRoomsQuery(
        name=reader.text(
            "name",
            pattern=rf"(?=.{{1,32}}\Z){NAME}",
            meaning="up to 32 lower-case letters, digits and single hyphens, a letter first",
        ),
        membership=reader.text("membership", pattern=_ID, meaning="the id of your membership"),
        collaboration=reader.text("collaboration", pattern=_ID, meaning="the id of the collaboration"),
        sql=reader.text("sql", pattern=r"(?s)(?=.*\S).+", meaning="a query", default=""),
        template=reader.text("template", pattern=_TEMPLATE, meaning="the ARN of an analysis template", default=""),
        schedule=schedule,
        time_zone=time_zone,
        result_format=reader.choice("format", FORMATS, default="CSV"),
        bucket=bucket,
        prefix=prefix,
        key_arn=key_arn,
        source=source,
        worker_type=worker_type,
        workers=reader.whole("workers", low=2, high=400, default=2),
        paused=reader.flag("paused", default=False),
        parameters=_parameters(reader),
    )
    if not worker_type and reader.has("workers"):
        reader.mistake("workers", "needs worker_type")
    _check_query(reader, query)
    return query


def _parameters(reader: Reader) -> dict[str, str]:
    given = reader.values("parameters")
    for name, value in given.items():
        if not re.fullmatch(_PARAMETER, name):
            reader.mistake("parameters", "each name must be up to 100 letters, digits and underscores")
        if not isinstance(value, str) or len(value) > MOST_VALUE:
            reader.mistake("parameters", f"{name[:100]} must be a text of up to {MOST_VALUE} characters")
    return {name: value for name, value in given.items() if isinstance(value, str)}


def _check_query(reader: Reader, query: CleanRoomsQuery) -> None:
    if reader.has("sql") == reader.has("template"):
        reader.mistake("template", "give either an analysis template or sql")
    if query.parameters and not reader.has("template"):
        reader.mistake("parameters", "are an analysis template's")
    if len(query.sql.encode()) > MOST_SQL_BYTES:
        reader.mistake("sql", f"is longer than {MOST_SQL_BYTES} bytes: make an analysis template of it")


def _place(
    reader: Reader, sources: Mapping[str, SourceSettings], normalize: NormalizeSettings | None
) -> tuple[str, str, str, str]:
    """Read `source`, or `export`, a name or a place; return bucket, prefix, key ARN and source."""
    if reader.has("source") == reader.has("export"):
        reader.mistake(
            "source",
            "give either the name of a source, or export: an export's name, or a place that something else reads",
        )
    if not reader.has("source") and reader.has_text("export"):
        return (*_export(reader, normalize), "")
    if not reader.has("source"):
        export = reader.section("export")
        place = (
            export.text("bucket", pattern=BUCKET, meaning="the name of an existing bucket of this account"),
            export.text(
                "prefix",
                pattern=_PREFIX,
                meaning="folders of letters, digits and _!.=-, each with a slash after it",
            ),
            export.text("key_arn", pattern=KEY_ARN, meaning=KEY_MEANING, default=""),
        )
        export.finish()
        return (*place, "")
    reader.has("export")
    name = reader.choice("source", tuple(sources))
    source = sources.get(name)
    if source is None:
        return "", "", "", ""
    if not re.fullmatch(_PREFIX, source.prefix):
        reader.mistake(
            "source",
            f"the prefix of {name} must be folders of letters, digits and _!.=-: Clean Rooms takes no other",
        )
    if source.account:
        reader.mistake("source", f"the bucket of {name} is another account's; results have to go to this one's")
    return source.bucket, source.prefix, source.key_arn, name


def _export(reader: Reader, normalize: NormalizeSettings | None) -> tuple[str, str, str]:
    """Read the name of an entry of `normalize.exports`; return bucket, "" for the app's own, prefix and key."""
    exports = normalize.exports if normalize else ()
    name = reader.choice("export", tuple(one.name for one in exports))
    export = next((one for one in exports if one.name == name), None)
    if normalize is None or export is None:
        return "", "", ""
    if not re.fullmatch(_PREFIX, export.prefix):
        reader.mistake(
            "export",
            f"the prefix of {name} must be folders of letters, digits and _!.=-: Clean Rooms takes no other",
        )
    if export.schedule:
        reader.mistake(
            "export", f"{name} has a schedule of its own: leave it out there, so that the query's results start it"
        )
    return normalize.bucket, export.prefix, normalize.key_arn
