"""What a run's end means: done, to be repeated at once, or for somebody to look at."""

from __future__ import annotations

import re
from dataclasses import dataclass

from activation.drops.codes import FILE_CODES
from activation.ledger.paid_starts import StartState

# The script ends with `code: sentence`. Before it Glue puts its own classification and Python's exception, as in
# "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 20; SystemExit: bad_mapping: ...". No page of AWS's
# shows the form; messages of Glue 4.0 and later that were quoted in public have it (2026-11-30).
_CODE = re.compile(
    r"(?:Error Category: \w{1,64}; )?(?:Failed Line Number: \d{1,9}; )?(?:SystemExit: )?([a-z][a-z0-9_]{2,63}): "
)
# What another attempt cannot change: the job has refused the export or the mapping.
FINAL_CODES = FILE_CODES.keys() | {
    "bad_mapping", "mapping_missing", "empty_export", "export_incomplete", "too_many_files", "headers_differ",
    "input_format_differs", "no_rows_left", "output_exists", "bad_folder", "old_arrow", "object_changed",
    "object_gone",
}  # fmt: skip


@dataclass(frozen=True)
class Ending:
    """How a run has ended: `code` is "" for one that succeeded. `is_final` says that a repetition is no use."""

    code: str
    is_final: bool = False

    @property
    def state(self) -> StartState:
        """Return the state of the start."""
        return StartState.FAILED if self.code else StartState.SUCCEEDED


# https://docs.aws.amazon.com/glue/latest/webapi/API_JobRun.html, read 2026-11-30
_ENDS = {
    "SUCCEEDED": Ending(""),
    "FAILED": Ending("job_failed"),
    "ERROR": Ending("job_failed"),
    "EXPIRED": Ending("job_failed"),
    "TIMEOUT": Ending("job_timeout", is_final=True),
    "STOPPED": Ending("job_stopped", is_final=True),
}


def ending_of(state: str, message: str) -> Ending | None:
    """Return how a run with this state and message has ended, None for one that has not.

    Of the message only a code of the job's own is used: what Spark says may hold a value.
    """
    found = _CODE.match(message) if state == "FAILED" else None
    if found and found[1] in FINAL_CODES:
        return Ending(found[1], is_final=True)
    return _ENDS.get(state)
