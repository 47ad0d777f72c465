"""What looks wrong with a drop of events: sales that count twice, or for less than they were worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from activation.identifiers.codes import Code
from activation.model import RunWarning


def of_events(
    rejected: Mapping[str, int], by_row: int, in_doubt: int, notes: Mapping[str, str]
) -> Iterator[RunWarning]:
    """Yield the warnings of events; nothing for people, of whom nothing is counted here.

    `rejected` counts rows by code, `notes` are the platform's; `by_row` and `in_doubt` are as in Tally.
    """
    if again := rejected.get(Code.REPEATED_EVENT_ID.value, 0):
        yield RunWarning(
            "event_ids_repeat",
            f"{again:,} rows have an event id that another row has, too, as the lines of one order do; the"
            " platform would count one line's value, so none of them was sent: export one row for each order, with"
            " its whole value, or map a column that differs in each line as event_id",
        )
    if by_row:
        yield RunWarning(
            "event_ids_by_row",
            f"{by_row:,} events have neither an id nor an order's id, and count by the file and the row: the same"
            " sale in another file, or in this one written again, counts twice",
        )
    if in_doubt:
        yield RunWarning(
            "events_in_doubt",
            f"{in_doubt:,} times an event was sent that the platform may have received before, after a crash or a"
            " lost answer; where the platform does not recognise the event's id, it counts twice",
        )
    if note := notes.get("test_events"):
        yield RunWarning("test_events", note)
