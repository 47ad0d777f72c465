"""How long things are kept: the section `retention` of the settings."""

from __future__ import annotations

from dataclasses import dataclass

from stacks.context import Reader

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html, read 2026-11-22
LOG_RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
                      3288, 3653)  # fmt: skip

# As long as SQS keeps a message (read 2026-11-29):
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
DEAD_LETTER_DAYS = 14

# Deleted by default: a drop is people in plain text, nothing reads it once its run is final, and who exports a
# list every night would otherwise keep thirty copies of it. Whoever sends drops again by force keeps them.
DELETE, KEEP = "delete", "keep"

# How far back DynamoDB restores a table, at most (read 2026-11-30):
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html
BACKUPS_DAYS = 35


@dataclass(frozen=True)
class Retention:
    """How long things are kept, in days.

    `ledger_days` counts from the last work on a run. It covers the life of a drop, of an archived event and of a
    dead letter, so that whatever sends a message again still finds what became of its run. `receipts_days` counts
    from the last writing of a receipt, `noncurrent_receipts_days` from its being overwritten or deleted.
    `final_drops` says what becomes of a drop in the app's own bucket once its run is final. `backups_days` is how
    far back the ledger can be restored.
    """

    drops_days: int
    noncurrent_drops_days: int
    receipts_days: int
    noncurrent_receipts_days: int
    access_logs_days: int
    logs_days: int
    archive_days: int
    ledger_days: int
    final_drops: str
    backups_days: int

    @property
    def deletes_final_drops(self) -> bool:
        """Return whether drops are deleted once their runs are final."""
        return self.final_drops == DELETE


def read_retention(reader: Reader) -> Retention:
    """Read the section; its mistakes are the reader's, also those of unknown keys."""
    retention = Retention(
        drops_days=reader.whole("drops_days", low=1, high=3650, default=30),
        noncurrent_drops_days=reader.whole("noncurrent_drops_days", low=1, high=3650, default=7),
        receipts_days=reader.whole("receipts_days", low=1, high=3650, default=400),
        noncurrent_receipts_days=reader.whole("noncurrent_receipts_days", low=1, high=3650, default=90),
        access_logs_days=reader.whole("access_logs_days", low=1, high=3650, default=90),
        logs_days=reader.whole("logs_days", low=1, high=3653, default=90),
        archive_days=reader.whole("archive_days", low=1, high=3650, default=365),
        ledger_days=reader.whole("ledger_days", low=1, high=3650, default=400),
        final_drops=reader.choice("final_drops", (DELETE, KEEP), default=DELETE),
        backups_days=reader.whole("backups_days", low=1, high=BACKUPS_DAYS, default=BACKUPS_DAYS),
    )
    if retention.logs_days not in LOG_RETENTION_DAYS:
        reader.mistake(
            "logs_days", f"CloudWatch Logs keeps for {', '.join(map(str, LOG_RETENTION_DAYS))} days only"
        )
    remembered = {
        "drops_days + noncurrent_drops_days": retention.drops_days + retention.noncurrent_drops_days,
        "archive_days": retention.archive_days,
        "the life of a dead letter": DEAD_LETTER_DAYS,
    }
    for what, days in remembered.items():
        if retention.ledger_days < days:
            reader.mistake(
                "ledger_days",
                f"must be at least {what} ({days}), or a replay no longer finds what became of a run",
            )
    reader.finish()
    return retention
