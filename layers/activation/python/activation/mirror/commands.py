"""The commands with which a person goes on after a mirror was stopped, ready to be pasted."""

from __future__ import annotations

from shlex import quote


def reset(connector: str, audience: str, by: str) -> str:
    """Return the command that forgets what an audience holds; `by` is "replace" or "baseline"."""
    return f"`activation audiences reset {quote(audience)} --connector {quote(connector)} --by {by}`"


def resets(connector: str, audience: str, *, replaces: bool) -> str:
    """Return the commands that say what an audience is taken to hold, and what each does.

    `replaces` says that the next mirror could replace the audience as a whole.
    """
    by_baseline = reset(connector, audience, "baseline")
    baseline = f"{by_baseline} has the next mirror add its list and remove nobody who is in the audience now"
    if not replaces:
        return baseline
    return f"{reset(connector, audience, 'replace')} has the next mirror replace the audience; {baseline}"


def adopt(connector: str, audience: str) -> str:
    """Return the command that takes an audience to be the app's own."""
    return f"`activation audiences adopt {quote(audience)} --connector {quote(connector)}`"


def approve(run_id: str) -> str:
    """Return the command that lets a run take out as many people as its receipt says."""
    return f"`activation audiences approve {run_id}`"


def redrive(connector: str) -> str:
    """Return the command that lets a connector's stopped runs go on."""
    return f"`activation redrive --connector {quote(connector)}`"


def drop(connector: str, audience: str) -> str:
    """Return the command that drops a mirror; its file is an example's."""
    return (
        f"`activation drop people.csv --connector {quote(connector)} --audience {quote(audience)} --action mirror`"
    )
