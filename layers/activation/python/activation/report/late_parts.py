"""What to do about a file that came after its folder was closed, and was not sent."""

from __future__ import annotations

from collections.abc import Iterable

from activation.ledger.folders import Closing


def last_closing(closings: Iterable[Closing]) -> Closing | None:
    """Return what closed a folder last, or was refused; a sign that closed nothing is neither.

    `closings` are the newest first.
    """
    return next((one for one in closings if one.code != "superseded"), None)


def what_to_do(last: Closing | None, *, is_refused: bool = False) -> str:
    """Return the advice, as an imperative without a full stop; `last` is the folder's last closing.

    With `is_refused` its run has failed without sending anything, as also the closing's code may say.

    Under replace and mirror only all the people of the folder may be sent. A quiet time closes such a folder once,
    and its tool writes no sign.
    """
    if is_refused or (last is not None and last.code):
        return "correct what that run says, then redrive it, or write the sign again after all of the files"
    if last is not None and not last.sign_key:
        return "write the whole export into a new folder"
    return "write all files of the folder again, not only what came late, and the sign last"
