"""What a plan warns of: what the run's receipt would, of the same sums."""

from __future__ import annotations

from collections.abc import Iterator

from activation.errors import Rejected
from activation.model import RunWarning
from activation.report import warnings as verdict
from activation.report.warnings import Counts, Judged

from cli import today
from cli.dry_run import DryRun
from cli.dry_run_sums import Sums


def warnings(run: DryRun, sums: Sums) -> list[RunWarning]:
    """Return what a run's receipt would warn of.

    A plan also counts people over the whole file, which a run cannot do, so it warns of rows that repeat only
    after the sample, too. And it warns of the end of the API version that the platform is called under.
    """
    left_out: dict[str, dict[str, int]] = {}
    for (key, code), found in sorted(sums.left_out.items()):
        left_out.setdefault(key, {})[code] = found.count
    counts = Counts(
        rows=sums.rows,
        whole=sums.whole,
        sent=sums.sent,
        rejected={code: found.count for code, found in sums.rejected.items()},
        left_out=left_out,
        identifiers=sums.identifiers,
        by_row=sums.by_row,
    )
    action, platform = run.located.audience.action, run.platform
    warned = verdict.warnings(Judged(platform.table, platform.minimum, action, sums.sample, counts, sums.notes))
    if platform.table.events is None and all(one.code != "rows_repeat" for one in warned):
        warned += verdict.of_repeats(sums.sent, run.people(sums))
    if sums.refusal is None:
        warned += _of_tiers(run, sums)
    ending = platform.version.warning(today.today()) if platform.version else None
    return [*warned, *([ending] if ending else [])]


def _of_tiers(run: DryRun, sums: Sums) -> Iterator[RunWarning]:
    """Yield a warning for each access tier at which the run would be refused, where the settings name no tier."""
    for name, tier in run.tiers.items():
        try:
            run.check_session(sums, tier)
        except Rejected as error:
            yield RunWarning(error.code, f"at the access tier {name}: {error.sentence}")
