"""The setting `guard` of a connector: how many people a mirror may take out of an audience unasked."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from stacks.context import Reader


@dataclass(frozen=True)
class GuardSettings:
    """What a mirror may do unasked; more waits for an approval.

    `empty` is "stop" or "allow", for a drop without anybody. `leave` is the share (0 to 1) of those in the
    audience who may leave, `shrink` that by which the audience may become smaller.
    """

    empty: str = "stop"
    leave: float = 0.30
    shrink: float = 0.30

    @property
    def variable(self) -> dict[str, str | float]:
        """Return the function's variable as a JSON object: what differs from the default, else nothing."""
        return {name: value for name, value in asdict(self).items() if value != getattr(USUAL_GUARD, name)}


USUAL_GUARD = GuardSettings()


def read_guard(reader: Reader) -> GuardSettings:
    """Read the section; its mistakes are the reader's."""
    usual = USUAL_GUARD
    guard = GuardSettings(
        empty=reader.choice("empty", ("stop", "allow"), default=usual.empty),
        leave=reader.number("leave", low=0, high=1, default=usual.leave),
        shrink=reader.number("shrink", low=0, high=1, default=usual.shrink),
    )
    reader.finish()
    return guard
