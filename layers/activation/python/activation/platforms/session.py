"""Uploads that a platform takes as one session: begun by the first, ended by the last, within a window of time."""

from __future__ import annotations

from dataclasses import dataclass

from activation.errors import Rejected
from activation.model import Action
from activation.platforms.rate import Tier

# The share of the window that a drop may be planned to take: throttling, a restart and other drops to the ad
# account take time, too.
USABLE_SHARE = 0.9

ANSWER_S = 0.5  # about what the large platforms take to answer an upload of ten thousand rows


def answers_s(requests: int, in_flight: int) -> float:
    """Return about how many seconds the answers to so many uploads take, with `in_flight` at a time."""
    return requests * ANSWER_S / in_flight


@dataclass(frozen=True)
class UploadSession:
    """The session in which a platform takes all uploads of a drop with one of `actions`.

    The first upload begins it and is sent alone, the last one ends it. The platform itself ends it `window_s`
    seconds after the first; the audience then holds what had arrived. A drop has fewer than `max_rows` rows.
    """

    actions: frozenset[Action]
    window_s: float
    max_rows: int

    def check_rows(self, rows: int) -> None:
        """Raise Rejected with replace_too_large for more rows than the platform replaces."""
        if rows >= self.max_rows:
            raise Rejected(
                "replace_too_large",
                f"the drop has {rows:,} rows, and the platform replaces audiences of fewer than {self.max_rows:,};"
                " nothing was sent",
            )

    def check_time(self, requests: int, tier: Tier, answer_s: float) -> None:
        """Raise Rejected with replace_too_long for more requests than surely fit in the window.

        `answer_s` is how many seconds the requests take by themselves, however fast they may be sent.
        """
        took_s = max(tier.seconds(requests), answer_s)
        if took_s > USABLE_SHARE * self.window_s:
            raise Rejected(
                "replace_too_long",
                f"{requests:,} requests take about {took_s / 60:,.0f} minutes at the account's access tier, and"
                f" the platform ends a replace after {self.window_s / 60:.0f}, with the rows that have arrived by"
                " then; nothing was sent: replace it by a smaller drop, or get the account a faster tier",
            )
