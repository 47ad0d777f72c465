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


def _event(code: str, why: str) -> Meaning:
    return Meaning(OutcomeKind.REFUSED, code, f"Meta refused the request because of {why}", about_rows=True)


# Each event is checked for these before it is sent, under the same codes: Meta's rules have changed, or a clock is
# wrong.
EVENTS = {
    2_804_003: _event(
        "too_old_for_platform",
        "an event that is older than 7 days, or 62 if it took place in a shop. Send events within days.",
    ),
    2_804_009: _event(
        "value_missing",
        "a purchase without a value or a currency. Fill both columns, or map a constant to currency.",
    ),
    2_804_050: _event(
        "user_data_too_broad",
        "a person of whom it says too little. Export an e-mail address, a phone number or an id as well.",
    ),
}
# Further subcodes of this range are met in public and explained nowhere; all are of an event's parameters.
EVENT_SUBCODES = range(2_804_000, 2_805_000)
REFUSED_EVENT = _event(
    "event_refused", "what one of its events holds. Look the platform code up, and correct the column."
)

OWN: dict[Code, Meaning] = {
    (1, 99): TOO_MANY,
    (100, 33): NO_DATASET,
    (100, 34): NO_DATASET,
    (803, None): NO_DATASET,
    **{(100, subcode): EVENTS.get(subcode, REFUSED_EVENT) for subcode in EVENT_SUBCODES},
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
