"""What is said of a run's audience, in the settings and its file, read once and fixed in the run's record."""

from __future__ import annotations

from contextlib import closing

from botocore.exceptions import BotoCoreError, ClientError

from activation.audience_options import NO_OPTIONS, AudienceOptions
from activation.aws.errors import classify, code_of
from activation.drops.audience_file import MOST_BYTES, file_keys
from activation.drops.said_options import options_of, refused
from activation.drops.sidecars import AUDIENCE_FILE
from activation.ledger.mirror_run import UNDECIDED
from activation.runs.invocation import Invocation
from activation.runs.plain_start import put_at_s


def fix_options(invocation: Invocation) -> None:
    """Note in the run's record what is said of its audience, unless the record has it.

    A run that an earlier release has begun goes on without. Raises ConfigError with every mistake in what is said,
    and what reading the file and the ledger raises.
    """
    plan = invocation.held.run.progress.plan
    if plan.options is not None:
        return
    found = _said(invocation) if invocation.held.run.opened is None else NO_OPTIONS
    with invocation.held.lock:
        plan.options = found


def forget_options(invocation: Invocation) -> None:
    """Have a redriven run read the options again, as they are by now, if its audience was not opened yet.

    A mirror looks for its audience again then: by the options it may be another one, or shared with others. One
    that has begun to change it goes on as it began.
    """
    progress = invocation.held.run.progress
    mirror = progress.mirror if invocation.is_mirror else None
    if invocation.held.run.opened is not None or (mirror is not None and mirror.phase not in UNDECIDED):
        return
    with invocation.held.lock:
        progress.plan.options = None
        if mirror is not None:
            mirror.looked = False


def _said(invocation: Invocation) -> AudienceOptions:
    connector, name = invocation.connector, invocation.identity.audience.name
    settings = connector.settings.audiences.get(name, {})
    found = _files(invocation)
    if len(found) > 1:
        raise refused(
            f"there are {len(found)} files named {AUDIENCE_FILE} for names that look the same: delete all but one"
        )
    kept = "" if found or invocation.is_plain else connector.kept_options.read(name)
    text, written_at = found[0] if found else (kept.encode(), 0.0)
    options = options_of(connector.platform, settings, text if text or found else None)
    if found:
        connector.kept_options.keep(name, text.decode("utf-8-sig"), written_at)
    return options


def _files(invocation: Invocation) -> list[tuple[bytes, float]]:
    """Return the text of each file of the audience that there is, and when it was written, in Unix seconds."""
    settings, key = invocation.connector.settings, invocation.work.drop.key
    keys = file_keys(settings.connector, invocation.identity.audience.name, key)
    # A plain run is new, and its drop was put a moment ago: no one has corrected its options since.
    absent, put_at = invocation.connector.absent_files, put_at_s(invocation.work) if invocation.is_plain else None
    looked_for = [one for one in keys if put_at is None or not absent.is_absent(one, put_at)]
    return [found for one in looked_for if (found := _read(invocation, one))]


def _read(invocation: Invocation, key: str) -> tuple[bytes, float] | None:
    connector = invocation.connector
    looked_at = connector.clock()
    try:
        answer = connector.clients.s3.get_object(Bucket=connector.settings.drops_bucket, Key=key)
        with closing(answer["Body"]) as body:
            return body.read(MOST_BYTES + 1), answer["LastModified"].timestamp()
    except (ClientError, BotoCoreError) as error:
        if code_of(error) in ("NoSuchKey", "404"):
            connector.absent_files.note(key, looked_at)
            return None
        raise classify(error, code="storage") from error
