"""Times, durations, runs and findings in words, for the console's pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from activation.codes import find
from activation.report.html import Html
from activation.report.page_tables import prose, spoken

from cli.printable import counted, printable

if TYPE_CHECKING:
    from activation.platforms.platform import Finding

    from cli.runs.rows import RunRow


def moment(seconds: float | None) -> str:
    """Return a time in UTC to the minute, "" for none."""
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%d %H:%M}" if seconds else ""


def lasting(seconds: float) -> str:
    """Return a duration such as 3 min 20 s."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3_600} h {whole % 3_600 // 60} min"


_UNTIL_IDENTIFIERS = ("connector", "audience", "identifiers")  # of a drop's key


def count(number: int) -> str:
    """Return a number with its thousands apart."""
    return f"{number:,}"


def share_rejected(run: RunRow) -> str:
    """Return how many of the rows with an outcome were rejected, in percent."""
    share = 100 * run.rows_rejected / max(run.rows_read, 1)
    return "under 1 %" if share < 1 else f"{share:.0f} %"


def called(run: RunRow) -> str:
    """Return what a run is called: its audience, or its file where that names none."""
    return printable((run.file or "a message") if run.is_unread else run.audience)


def person(arn: str) -> str:
    """Return the end of the name that AWS gives a caller: the user, or the role and its session."""
    return printable(arn.rpartition(":")[2])


def file_name(run: RunRow) -> str:
    """Return what a run's key says after audience, identifiers and action, "" where it is called by its key.

    A sync's run has no key: the time of its slot is returned as it is.
    """
    if run.is_unread:
        return ""
    folders = run.file.split("/")
    if len(folders) <= len(_UNTIL_IDENTIFIERS):
        return printable(run.file)
    rest = folders[2:]
    rest = rest[2:] if rest[1:2] == [run.action] else rest[1:]
    return printable("/".join(rest))


def grade(finding: Finding) -> str:
    """Return how a check of the examination came out."""
    if not finding.ok:
        return "failing"
    return "warning" if finding.warns else "ok"


def urgency(finding: Finding) -> int:
    """Return where a finding stands in a list whose first need somebody: equal ones keep their order."""
    return ("failing", "warning", "ok").index(grade(finding))


def verdict(findings: Sequence[Finding]) -> str:
    """Return how many of the checks need somebody."""
    bad = [one for one in findings if grade(one) != "ok"]
    return f"{counted(len(findings), 'check')}, {len(bad)} of them need attention" if bad else "All checks passed"


def cure(code: str, connector: str = "") -> Html | str:
    """Return what to do about a code, "" for one of the console's own; its commands name code and connector."""
    texts = find(code)
    if not texts:
        return ""
    do = texts[0].do.replace("--reason CODE", f"--reason {code}")
    return prose(do.replace("--connector NAME", f"--connector {connector}") if connector else do)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "moment": moment,
    "lasting": lasting,
    "count": count,
    "called": called,
    "person": person,
    "file_name": file_name,
    "share_rejected": share_rejected,
    "grade": grade,
    "verdict": verdict,
    "printable": printable,
    "spoken": spoken,
}
