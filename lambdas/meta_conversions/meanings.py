"""What Meta's error codes mean of events, beside those that mean the same to all of the Graph API.

https://developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference (read 2026-09-12)
"""

from __future__ import annotations

from activation.platforms.outcome import OutcomeKind

from lambdas.meta_graph.meanings import TOO_MANY, Code, Meaning, Meanings

NO_DATASET = Meaning(
    OutcomeKind.STOP,
    "dataset_missing",
    "The dataset does not exist, or the token has no access to it; Meta does not say which. Check pixel_id in the"
    " secret, the dataset in the drop's key and the option datasets, then redrive.",
)
REFUSED = Meaning(
    OutcomeKind.REFUSED, "refused_by_platform", "Meta refused the request, perhaps because of one of its events."
)
REFUSED_EVENT = Meaning(
    OutcomeKind.REFUSED,
    "event_refused",
    "Meta refused the request because of what one of its events holds.",
    about_rows=True,
)
# Invalid parameters of events: 2804003 too old, 2804009 no currency, 2804050 too broad, and their like.
EVENT_SUBCODES = range(2_804_000, 2_805_000)

OWN: dict[Code, Meaning] = {
    (1, 99): TOO_MANY,
    (100, 33): NO_DATASET,
    (803, None): NO_DATASET,
    **dict.fromkeys(((100, subcode) for subcode in EVENT_SUBCODES), REFUSED_EVENT),
    (100, None): REFUSED,
    (194, None): REFUSED,
}
MEANINGS = Meanings(
    OWN,
    no_permission=Meaning(
        OutcomeKind.STOP,
        "no_permission",
        "The token may not send events to the dataset. Make one in Events Manager, or give the system user the"
        " dataset with the right to manage it; then redrive.",
    ),
)
