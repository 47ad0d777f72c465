"""What of the emulated SNS the others stand on: how it finds a topic, and how it fans a message out."""

from __future__ import annotations

from sandbox.emulator.hook import Hook

FANOUT = Hook(
    "ministack.services.sns",
    "_fanout",
    (
        "topic_arn",
        "msg_id",
        "message",
        "subject",
        "message_structure",
        "message_attributes",
        "message_group_id",
        "message_dedup_id",
    ),
)
FIND_TOPIC = Hook("ministack.services.sns", "_topic_by_arn_any_scope", ("topic_arn",))
