"""What sends an invocation's requests: the publisher of its ad account, a client, and a sender of batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from activation.identifiers.event_rows import untimely
from activation.ledger.keys import rate_key
from activation.ledger.mirror_run import MirrorPhase
from activation.mirror.delta import Part, read_part
from activation.mirror.lines import ROW
from activation.mirror.snapshot import Snapshot
from activation.mirror.store import Pieces
from activation.model import Action
from activation.pipeline.client import PlatformClient
from activation.pipeline.other_lines import Lines, OtherLines
from activation.pipeline.sending import Sender
from activation.pipeline.slots import Slots
from activation.pipeline.suppressing import Suppression
from activation.pipeline.upload_client import Destination, Everybody
from activation.platforms.publisher import Publisher
from activation.platforms.rate import Scope
from activation.platforms.upload import Upload
from activation.records import from_json
from activation.report.rejects import Rejects
from activation.runs.invocation import Invocation
from activation.runs.settings import KEEP_PHONES


def find_publisher(invocation: Invocation) -> Publisher:
    """Return the publisher of the run's ad account; raises what reading the secret raises."""
    connector = invocation.connector
    return connector.platform.publisher(connector.secret.account(invocation.account))


def platform_client(invocation: Invocation, publisher: Publisher) -> PlatformClient:
    """Return the client that sends this invocation's requests."""
    connector, rate, account = invocation.connector, invocation.connector.platform.rate, publisher.account
    shared_with = account.account_id if rate.scope is Scope.ACCOUNT else connector.settings.secret_arn
    return PlatformClient(
        publisher=publisher,
        signing=connector.secret,
        http=connector.http,
        rate_limit=connector.rate_limits.of(
            rate_key(connector.platform.name, rate.scope, shared_with),
            rate.tier(account.options).windows,
            rate.slower(account.options),
        ),
        timeout_s=connector.timeout_s,
        worker=invocation,
        sleep=connector.sleep,
    )


def sender_of(
    invocation: Invocation, client: PlatformClient, destination: Destination, rejects: Rejects
) -> Sender:
    """Return what sends the drop's batches to an audience; `rejects` are the opened drop's."""
    connector = invocation.connector
    tier = connector.platform.rate.tier(client.publisher.account.options)
    return Sender(
        run_id=invocation.identity.run_id,
        held=invocation.held,
        audience=invocation.sent_to,
        destination=destination,
        client=client,
        rejects=rejects,
        slots=Slots(
            connector.slots,
            connector.timeout_s,
            time_left_s=invocation.time_for_calls_s,
            per_s=tier.steady_per_s,
            expected_s=lambda: invocation.calls.mean_ms / 1000,
        ),
        limits=connector.limits,
        untimely=partial(_untimely, invocation),
        repeats=invocation.is_of_events and bool(invocation.work.again),
        suppression=Everybody() if invocation.sent_to.action is Action.REMOVE else suppression_of(invocation),
    )


def suppression_of(invocation: Invocation) -> Suppression:
    """Return what keeps suppressed people out of an invocation's uploads, and out of what a mirror holds."""
    connector, mirror = invocation.connector, invocation.held.run.progress.mirror
    others = None
    if mirror is not None and mirror.phase is MirrorPhase.ADD and mirror.candidate:
        others = OtherLines(partial(_lines, invocation.pieces, mirror.candidate), mirror.lists)
    return Suppression(
        connector.platform.table,
        connector.suppressions.get,
        keep_phones=connector.settings.shared_phones == KEEP_PHONES,
        others=others,
    )


def _lines(pieces: Pieces, candidate: str) -> Iterator[Lines]:
    """Yield all lines that a mirror has compared, with their source rows."""
    one = from_json(candidate, Snapshot)
    for table in read_part(pieces, Part(one.pieces, one.columns, one.lines)):
        yield table.drop_columns([ROW]), table.column(ROW).combine_chunks()


def _untimely(invocation: Invocation, upload: Upload) -> Mapping[int, str]:
    """Return the lines of events that are too old to be sent now, or not over yet, each with its code."""
    rules = invocation.connector.platform.table.events
    return untimely(rules, upload.columns, invocation.connector.clock()) if rules else {}
