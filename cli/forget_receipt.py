"""What a forget has done, audience by audience; nothing in it names anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from activation.ledger.runs import RunState

from cli.forget_drops import ForgetRun
from cli.forget_targets import NotDone, Target

REMOVED, NOT_DONE, GOES_ON = "removed", "not done", "goes on"
NO_REMOVAL, NEVER_FILLED = "no_removal", "never_filled"
# Notes of a platform, and codes of a receipt's warnings, that say that people may still be in the audience.
STILL_IN = frozenset({"too_small", "too_small_to_remove", "removals_refused", "audience_unusable"})


@dataclass(frozen=True)
class Line:
    """What became of an audience.

    `outcome` is REMOVED, NOT_DONE or GOES_ON; `code` and `sentence` say why it is not the first. `run_id` is the
    run that removes and `receipt` the key of its receipt, "" for none.
    """

    platform: str
    account: str
    audience: str
    outcome: str
    code: str = ""
    sentence: str = ""
    run_id: str = ""
    receipt: str = ""


def line_of(
    target: Target,
    runs: Sequence[tuple[ForgetRun, Mapping[str, Any] | None]],
    unusable: str = "",
    is_awaited: bool = False,
) -> Line:
    """Return what became of an audience by its runs and their receipts.

    `unusable` is the code for which nobody could be removed by what was given, "" if somebody could. `is_awaited`
    says that a drop was sent whose run has not begun.
    """
    if target.connector is None:
        return _line(target, NOT_DONE, target.why_not)
    if unusable:
        why = "none of the identifiers that were given can be sent there"
        return _line(target, NOT_DONE, NotDone(unusable, why))
    mine = [(run, receipt) for run, receipt in runs if run.is_of(target.place)]
    # Where an audience accepts one kind of identifier alone, the run with all of them is the one that was refused.
    # Of runs that left people in, the one that was applied says the most.
    mine.sort(key=lambda one: one[0].state != RunState.APPLIED)
    judged = [_judged(target, run, receipt) for run, receipt in mine]
    for outcome in (GOES_ON, REMOVED):
        if found := next((one for one in judged if one.outcome == outcome), None):
            return found
    if judged and not is_awaited:
        return judged[0]
    return _line(target, GOES_ON, NotDone("not_begun", "its run has not begun yet"))


def _judged(target: Target, run: ForgetRun, receipt: Mapping[str, Any] | None) -> Line:
    if not run.has_ended or receipt is None:
        return _line(target, GOES_ON, NotDone("running", f"the run is {run.state}"), run)
    reason = receipt["reason"] or {}
    if reason.get("code") == "audience_missing" and not target.is_filled:
        why = f"no run has filled it, and {run.connector} finds no audience of this name: nobody is in it"
        return _line(target, NOT_DONE, NotDone("never_filled", why), run)
    if receipt["state"] != RunState.APPLIED:
        code, sentence = reason.get("code", receipt["state"]), reason.get("sentence", "nobody was removed")
        return _line(target, NOT_DONE, NotDone(code, sentence), run)
    if receipt["account"] != target.account:
        why = f"{run.connector} sends to another ad account by now"
        return _line(target, NOT_DONE, NotDone("other_account", why), run)
    why_in = _why_still_in(run, receipt)
    return _line(target, NOT_DONE, why_in, run) if why_in else _line(target, REMOVED, run=run)


def _why_still_in(run: ForgetRun, receipt: Mapping[str, Any]) -> NotDone | None:
    """Return why people may still be in the audience although the run was applied; None if they are not."""
    notes = {**receipt.get("platform_notes", {}), **{one["code"]: one["sentence"] for one in receipt["warnings"]}}
    if still := next((code for code in notes if code in STILL_IN), ""):
        return NotDone(still, notes[still])
    if rejected := receipt["rows"]["rejected_by_platform"]:
        return NotDone("rows_rejected", f"the platform refused {rejected:,} of the rows")
    lacking = receipt["rows"]["rejected_by_us"]
    if run.is_of_file and lacking:
        why = f"the platform can match nobody by {lacking:,} of the rows; the run's receipt says why"
        return NotDone("rows_rejected", why)
    if run.is_of_one_kind and lacking:
        why = f"the audience accepts one kind of identifier, of which {lacking:,} of the rows have no usable one"
        return NotDone("type_mismatch", why)
    return None


def _line(target: Target, outcome: str, why: NotDone | None = None, run: ForgetRun | None = None) -> Line:
    code, sentence = (why.code, why.sentence) if why else ("", "")
    run_id, receipt = (run.run_id, run.receipt_key) if run else ("", "")
    return Line(target.platform, target.account, target.audience, outcome, code, sentence, run_id, receipt)


def document(forget_id: str, lines: Iterable[Line], suppressed: str) -> dict[str, Any]:
    """Return the receipt as JSON's values: a list of audiences for each platform, and whether all is done.

    `suppressed` says what became of the suppression list.
    """
    ordered = sorted(lines, key=lambda one: (one.platform, one.account, one.audience))
    platforms = {
        platform: [asdict(one) for one in some] for platform, some in groupby(ordered, lambda one: one.platform)
    }
    return {
        "forget_id": forget_id,
        "done": is_done(ordered),
        "suppression_list": suppressed,
        "platforms": platforms,
    }


def is_done(lines: Iterable[Line]) -> bool:
    """Return whether everybody was removed wherever people are and can be removed at all."""
    return all(one.outcome == REMOVED or one.code in (NO_REMOVAL, NEVER_FILLED) for one in lines)
