"""A receipt as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from activation.report.verdict import not_sent, rows_in, state_of

if TYPE_CHECKING:
    from rich.table import Table

NAMES_SHOWN = 5
CODES_EXPLAINED = 5  # the codes of the most rows
STOPPED = ("blocked", "failed", "superseded")
MIRRORED = {
    "joined": "rows of people who are new",
    "changed": "rows with other identifiers than before",
    "sent_again": "rows that share an identifier with somebody who left",
    "left": "rows of people who are not in the drop any more",
    "held": "lines of people who left that share all of their identifiers with people who stay",
}
WOULD = {
    "joined": "would join",
    "changed": "would change",
    "sent_again": "would be sent again",
    "left": "would leave",
    "held": "would be held",
}


def print_receipt(receipt: dict[str, Any], *, sandbox: bool | None = None) -> None:
    """Print a receipt's totals, what was rejected and left out, and the command that lists the rejects.

    `sandbox` says whether that command needs --sandbox; None means: if the current command was called with it.
    """
    from rich.table import Table

    from cli.printable import console, printable
    from cli.typed import typed

    rows, audience, drop = receipt["rows"], receipt["audience"], receipt["drop"]
    # The key stands before the table, in which a narrow terminal would break it.
    console().print(f"drop {printable(drop['key'])}", soft_wrap=True)
    table = Table(
        title=f"Receipt {receipt['run_id']}: {state_of(receipt)}", show_header=False, title_justify="left"
    )
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(overflow="fold")  # a sentence may hold a long key
    if folder := receipt.get("folder"):
        table.add_row("files", f"{folder['files']:,}", printable(_not_read(folder)))
    filled = "dataset" if "in_doubt" in receipt else "audience"  # only a receipt of events says how many are
    table.add_row(filled, "", printable(_audience(audience, receipt["connector"])))
    _add_reason(table, receipt)
    table.add_section()
    read, is_whole = rows_in(receipt)
    table.add_row("rows in", f"{read:,}", "" if is_whole else "so far")
    if mended := receipt.get("rows_mended", 0):  # a receipt of an earlier release does not say
        table.add_row("of these mended", f"{mended:,}", "blank cells at their end were missing, or too many")
    if receipt["state"] == "superseded" and (held := receipt.get("rows_held")) is not None:
        table.add_row("rows not sent", f"{held:,}", "held by this version, which a newer one took the place of")
    table.add_row("= acknowledged", f"{rows['acknowledged']:,}", "")
    _add_unchanged(table, rows)
    _add_rejected(table, receipt)
    if rest := not_sent(receipt):
        table.add_row("+ not sent", f"{rest:,}", "" if receipt["state"] in STOPPED else "so far")
    _add_mirror(table, receipt.get("mirror"))
    _add_sent(table, receipt)
    if receipt["cells_left_out"]:
        table.add_section()
    for field, codes in receipt["cells_left_out"].items():
        counts = {code: found["cells"] for code, found in codes.items()}
        table.add_row(f"{field} left out", f"{sum(counts.values()):,}", _codes(counts))
    columns = receipt["columns"]
    if columns["used"]:
        table.add_section()
        used = ", ".join(f"{name} → {keys}" for name, keys in columns["used"].items())
        table.add_row("columns used", "", printable(used))
        table.add_row("not used", "", printable(", ".join(columns["ignored"]) or "none"))
    table.add_section()
    table.add_row("requests", f"{receipt['requests']:,}", f"of which {receipt['resent']} may be repetitions")
    table.add_row(
        "seconds",
        f"{receipt['seconds']:.1f}",
        _working(receipt),
    )
    _add_notes(table, receipt["platform_notes"])
    console().print(table)
    rejected = receipt["rejected_by_us"] | receipt["rejected_by_platform"]
    warnings = (f"warning  {one['code']}: {one['sentence']}" for one in receipt.get("warnings", []))
    for line in (*explained(rejected), *warnings):
        print(printable(line))
    if receipt["rejects_key"]:
        print(f"list the rejected rows: {typed('receipt', receipt['run_id'], '--rejects', sandbox=sandbox)}")


def explained(counts: Mapping[str, int]) -> Iterator[str]:
    """Yield a line for each of the codes of the most rows: what it means and what to do about it."""
    from activation.codes import explain

    from cli.typed import typed

    ordered = sorted(counts, key=lambda code: -counts[code])
    for code in ordered[:CODES_EXPLAINED]:
        yield f"{code}: {explain(code).sentences}"
    if len(ordered) > CODES_EXPLAINED:
        yield f"other codes: {typed('codes', 'CODE', sandbox=False)}"


def asked_of(receipt: Mapping[str, Any]) -> Iterator[str]:
    """Yield what people have asked of a receipt's run: to stop, to continue or to undo, who and when."""
    for one in receipt.get("orders", ()):
        yield f"{one['kind']} by {one['by']}, {one['at'][:19].replace('T', ' ')} UTC"


def _add_reason(table: Table, receipt: Mapping[str, Any]) -> None:
    """Add what the run undoes or has undone it, what was asked of it, and why it has stopped or waits."""
    from activation.codes import explain, plain

    from cli.printable import printable

    if undoes := receipt.get("undoes"):
        table.add_row("undoes", "", f"run {printable(undoes)}")
    if undone_by := receipt.get("undone_by"):
        table.add_row("undo", "", printable(undone_by["sentence"]))
    for asked in asked_of(receipt):
        table.add_row("asked of it", "", printable(asked))
    reason = receipt["reason"]
    if reason is None:
        return
    table.add_row("why", "", f"{reason['code']}: {reason['sentence']}")
    table.add_row("what to do", "", plain(explain(reason["code"]).do))


def _add_notes(table: Table, notes: Mapping[str, str]) -> None:
    """Add what the platform said."""
    from activation.report.notes import spoken_notes

    from cli.printable import printable

    for code, note in spoken_notes(notes).items():
        table.add_row(code, "", printable(note))


def _working(receipt: dict[str, Any]) -> str:
    """Return how long the run's invocations took.

    That is more than the run's own time where several worked at once, or some before it was redriven.
    """
    seconds, active = receipt["seconds"], receipt["active_seconds"]
    if active <= seconds:
        return f"of which {active:.1f} working, the rest waiting"
    return f"since it was begun or redriven; all its invocations took {active:.1f}"


def _add_unchanged(table: Table, rows: dict[str, Any]) -> None:
    """Add the rows of a mirror that are not sent."""
    if unchanged := rows.get("unchanged", 0):
        table.add_row("+ unchanged", f"{unchanged:,}", "the audience has them already")


def _add_rejected(table: Table, receipt: Mapping[str, Any]) -> None:
    """Add the rows that were rejected, and how many of them an undo has left in the audience."""
    rows, by_us, by_platform = receipt["rows"], receipt["rejected_by_us"], receipt["rejected_by_platform"]
    table.add_row("+ rejected by us", f"{rows['rejected_by_us']:,}", _codes(by_us))
    if left_in := rows.get("left_in", 0):
        table.add_row("of these left in", f"{left_in:,}", "other runs sent these people too, or may have")
    table.add_row("+ rejected by platform", f"{rows['rejected_by_platform']:,}", _codes(by_platform))


def _add_mirror(table: Table, mirror: dict[str, Any] | None) -> None:
    """Add how a mirror has changed its audience, or would change it where nothing was sent."""
    from cli.printable import printable

    if mirror is None:
        return
    begun = mirror.get("begun", True)  # a receipt of an earlier release does not say
    table.add_section()
    table.add_row("mirror", "", f"by {mirror['mode']}: {mirror['why']}")
    for name, meaning in MIRRORED.items():
        if mirror[name]:
            table.add_row(name.replace("_", " ") if begun else WOULD[name], f"{mirror[name]:,}", meaning)
    if mirror["size"] is not None:
        label, before = ("rows in the audience", "before") if begun else ("rows it would have", "now")
        table.add_row(label, f"{mirror['size']:,}", f"{mirror['size_before']:,} {before}")
    if mirror["approved_by"]:
        table.add_row("approved", "", printable(f"{mirror['guard']}, by {mirror['approved_by']}"))


def _add_sent(table: Table, receipt: dict[str, Any]) -> None:
    """Add what was sent of the rows, and of events, what may have arrived twice."""
    if (doubt := receipt.get("in_doubt")) is not None:  # only a receipt of events says it
        table.add_row("in doubt", f"{doubt:,}", "times an event was sent that may have arrived before")
    identifiers: dict[str, int] = receipt.get("identifiers", {})  # receipts of earlier releases lack it
    if identifiers:
        table.add_section()
        sent = "identifiers sent" if doubt is None else "cells sent"
        table.add_row(sent, f"{sum(identifiers.values()):,}", _codes(identifiers))


def _audience(audience: dict[str, Any], connector: str) -> str:
    if audience["id"] is None:
        return f"{audience['name']} ({connector})"
    return f"{audience['name']} ({connector}, {audience['id']}, {'created' if audience['created'] else 'found'})"


def _not_read(folder: dict[str, Any]) -> str:
    """Name the first of the objects that were not sent."""
    texts = []
    for what in ("skipped", "stale"):
        count, names = folder[what]["count"], folder[what]["names"][:NAMES_SHOWN]
        if count:
            more = ", ..." if count > len(names) else ""
            texts.append(f"{count:,} {what}: {', '.join(names)}{more}")
    return "; ".join(texts)


def _codes(counts: dict[str, int]) -> str:
    return ", ".join(f"{code} {count:,}" for code, count in counts.items())
