"""Where an audience's people come from, as a create or an upload may say it in `data_source`.

https://developers.facebook.com/docs/marketing-api/reference/custom-audience-data-source/ (read 2026-11-30), and
the values of facebook-business 26.0.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.platforms.meta.errors import invalid

# fmt: off
TYPES = frozenset(
    (
        "CONTACT_IMPORTER", "COPY_PASTE", "EVENT_BASED", "FILE_IMPORTED", "HOUSEHOLD_AUDIENCE", "SEED_BASED",
        "THIRD_PARTY_IMPORTED", "UNKNOWN",
    )
)
# Those of customer files; the others are of events, pages and lookalikes, which are not simulated.
SUB_TYPES = frozenset(
    (
        "ANYTHING", "NOTHING", "HASHES", "USER_IDS", "HASHES_OR_USER_IDS", "MOBILE_ADVERTISER_IDS",
        "EXTERNAL_IDS", "EXTERNAL_IDS_MIX", "MULTI_HASHES", "TOKENS", "CUSTOM_AUDIENCE_USERS",
        "CONTACT_IMPORTER", "COPY_PASTE_EMAIL_HASHES", "DATA_FILE", "SEED_LIST", "MAIL_CHIMP_EMAIL_HASHES",
        "CONSTANT_CONTACTS_EMAIL_HASHES",
    )
)
# fmt: on
_KNOWN = {"type": TYPES, "sub_type": SUB_TYPES}


def check_data_source(value: Any, parameter: str) -> None:
    """Raise GraphError if a `data_source` is not an object of known values; None is none."""
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise invalid(f"Param {parameter} must be an object")
    for name, known in _KNOWN.items():
        if value.get(name) is not None and value[name] not in known:
            raise invalid(f"Param {parameter}[{name}] must be one of {{{', '.join(sorted(known))}}}")
