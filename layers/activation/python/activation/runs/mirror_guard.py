"""Drops that a mirror, or a mirrored audience, does not take."""

from __future__ import annotations

from activation.drops.places import Role
from activation.errors import Rejected
from activation.mirror import commands
from activation.model import Action
from activation.runs.closing import is_quiet
from activation.runs.invocation import Invocation
from activation.runs.mirror_audience import is_mirrored, known

ADDING = frozenset((Action.ADD, Action.REPLACE))


def refuse_file(invocation: Invocation) -> None:
    """Raise Rejected with needs_folder for a mirror that is a file by itself, or a folder without a sign.

    Of an export in three files each would take out the people of the others, and nothing says that a file or a
    folder is all of them.
    """
    located = invocation.located
    if not invocation.is_mirror or not (located.place.role is Role.FILE or is_quiet(invocation.work.drop.key)):
        return
    raise Rejected(
        "needs_folder",
        "a mirror is a folder that _SUCCESS or a manifest closes, also if it is one file, so that no file is"
        " missing; nothing was sent. Write the files into a folder below mirror/ and the sign last, or use"
        f" {commands.drop(located.audience.connector, located.audience.name)}",
    )


def refuse_mirrored(invocation: Invocation) -> None:
    """Raise Rejected with mirrored_audience for a drop that would put people into an audience that a mirror fills.

    Call it when the audience's lock is held. Raises ConfigError where its state cannot be read.
    """
    if invocation.identity.audience.action not in ADDING or not is_mirrored(known(invocation)):
        return
    raise mirrored(invocation.audience.connector, invocation.audience.name)


def mirrored(connector: str, name: str) -> Rejected:
    """Return the refusal of a drop for an audience that a mirror fills, by the connector's and its own name."""
    return Rejected(
        "mirrored_audience",
        "the audience holds what was last dropped under mirror/, and the next such drop would take these people"
        f" out again; nothing was sent. Add them to that list and drop it: {commands.drop(connector, name)}. Or"
        f" end the mirror: {commands.reset(connector, name, 'baseline')}, then {commands.redrive(connector)}",
    )
