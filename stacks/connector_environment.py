"""The environment of a connector's function: what its settings say, and the names of what it uses."""

from __future__ import annotations

import json
from collections.abc import Sequence

from activation.identifiers.row_rules import written
from activation.row_rule import RowRule
from aws_cdk import aws_sqs as sqs

from stacks.connector_settings import ConnectorSettings
from stacks.names import metrics_namespace
from stacks.settings import Settings
from stacks.source_settings import SourceSettings
from stacks.storage import StorageStack
from stacks.wheels import ALLOCATOR

MB = 1_000_000  # decimal, as the platforms count: 50 MB are 50,000,000 bytes


def environment(
    settings: Settings,
    connector: ConnectorSettings,
    storage: StorageStack,
    *,
    secret_arn: str,
    queue: sqs.IQueue,
    dead_letters: sqs.IQueue,
    sources: Sequence[SourceSettings],
) -> dict[str, str]:
    """Return the function's environment: names, addresses and settings, nothing secret."""
    return {
        "CONNECTOR": connector.name,
        "SECRET_ARN": secret_arn,
        "DROPS_BUCKET": storage.drops.bucket_name,
        "RECEIPTS_BUCKET": storage.receipts.bucket_name,
        "MIRRORS_BUCKET": storage.mirrors.bucket_name,
        "LEDGER_TABLE": storage.ledger.table_name,
        "QUEUE_URL": queue.queue_url,
        "DEAD_LETTER_QUEUE_URL": dead_letters.queue_url,
        "EVENT_BUS_NAME": storage.bus.event_bus_name,
        "EXPECTED_ACCOUNT": connector.account,
        "DEFAULT_COUNTRY": connector.default_country,
        "DATE_ORDER": connector.date_order,
        "PLACEHOLDERS": json.dumps(connector.placeholders),
        "OPTIONS": json.dumps(dict(connector.options)),
        "ENCODING": connector.encoding,
        "DELIMITER": connector.delimiter,
        "ALLOW_WEAK": "1" if connector.allow_weak else "",
        "REQUESTS_IN_FLIGHT": str(connector.requests_in_flight or ""),
        "MAX_ROWS_PER_REQUEST": str(connector.max_rows_per_request or ""),
        "MAX_BYTES_PER_REQUEST": str((connector.max_mb_per_request or 0) * MB or ""),
        "DEADLINE_S": str(connector.deadline_hours * 3600),
        "SPLIT_ABOVE_BYTES": str(connector.split_above_mb * 1024 * 1024),
        "MAX_PARTS": str(connector.max_parts),
        "FOLDER_QUIET_S": str(seconds(60 * connector.folder_quiet_minutes)),
        "LATE_PART_S": str(seconds(60 * connector.late_part_minutes)),
        "FOLDER_OPEN_S": str(seconds(3600 * connector.folder_open_hours)),
        "LEDGER_TTL_DAYS": str(settings.retention.ledger_days),
        **({"DELETE_FINAL_DROPS": "1"} if settings.retention.deletes_final_drops else {}),
        "POWERTOOLS_SERVICE_NAME": connector.name,
        "POWERTOOLS_METRICS_NAMESPACE": metrics_namespace(settings.name),
        "POWERTOOLS_LOG_LEVEL": settings.log_level,
        **({"TIME_ZONE": connector.time_zone} if connector.time_zone else {}),
        **({"ACCOUNTS": json.dumps(connector.accounts)} if connector.accounts else {}),
        **({"ACTIONS": json.dumps(connector.actions)} if connector.actions else {}),
        **({"AUDIENCES": _compact(dict(connector.audiences))} if connector.audiences else {}),
        **ALLOCATOR,
        **({"ANY_ENDPOINT": "1"} if settings.endpoints == "any" else {}),
        **_rule("CONSENT", connector.consent),
        **_rule("OPERATION", connector.operation),
        **({"GUARD": json.dumps(connector.guard.variable)} if connector.guard.variable else {}),
        **({"COLUMN_MAP": json.dumps(dict(connector.columns))} if connector.columns else {}),
        **({"SHARED_PHONES": connector.shared_phones} if connector.shared_phones else {}),
        **({"EXPECTED": _compact([one.audience for one in connector.expects])} if connector.expects else {}),
        **({"SOURCES": _compact([one.variable for one in sources])} if sources else {}),
    }


def seconds(seconds: float) -> int:
    """Return whole seconds; a time that is set is never rounded to none."""
    return max(1, round(seconds)) if seconds else 0


def _rule(name: str, rule: RowRule) -> dict[str, str]:
    """Return a variable that says which rows may be sent, none where the settings say nothing."""
    return {name: json.dumps(written(rule), ensure_ascii=False)} if rule else {}


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
