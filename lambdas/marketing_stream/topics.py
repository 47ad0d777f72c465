"""The SNS topics that may send a dataset to this stack."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
# Seen in public logs, not documented: <this>-<dataset>-<marketplace>-<advertiser>.
_AMAZONS_NAMES = "FEADMessageDeliveryTopic-"


@dataclass(frozen=True)
class DatasetTopics:
    """The topics of one dataset in one region, as a pattern of ARNs; `*` stands for anything."""

    pattern: str
    dataset: str

    def sends(self, topic: str) -> bool:
        """Return whether the topic matches: its region, its account, its name.

        A name in the form of Amazon's topics must contain this dataset; any other name may be new.
        """
        if not _TOPIC.fullmatch(topic) or not self._expression.fullmatch(topic):
            return False
        name = topic.rsplit(":", 1)[1]
        return not name.startswith(_AMAZONS_NAMES) or name.startswith(f"{_AMAZONS_NAMES}{self.dataset}-")

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(".*".join(re.escape(part) for part in self.pattern.split("*")))
