"""The index over the ledger by which runs are listed in the order of their starts, without reading the table.

Its key is made of what every run's record has had since the first release, so that DynamoDB puts the older ones
into it by itself when it is added to a table
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html, read 2026-11-30). A record
changes there when its state does, and not with every batch. Records of a large run's parts have the same two and
are filtered out.

The state cannot be in the key: DynamoDB refuses every write that leaves an item of the table with a longer value
than a key may have, 2,048 bytes, in an attribute of that name, also if the index would not have the item
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.ViolationDetection.html, read
2026-11-30). The records of mirrored audiences and of the suppression lists hold JSON of any length in `state`.
"""

from __future__ import annotations

RUN_INDEX = "runs-by-action-and-start"
ACTION = "action"
STARTED_AT = "started_at"
# The table's key is always in an index. What is missing here changes with each batch, and is read from the table.
INCLUDED = ("audience", "state", "object_key", "code", "sentence", "not_before", "counted")
