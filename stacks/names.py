"""How names and ARNs in the settings are spelt, and the names that connectors may not have."""

from __future__ import annotations

DEFAULT_APP = "audience-activation"
NOBODY = "none"  # the setting `alarms` of who wants nobody to be told
SUPPRESSIONS = "suppressions"  # what the keys of drops for suppression lists begin with
FORGETS = "forgets/"  # where the bucket of receipts has those of `activation forget`
NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
BUCKET = r"(?=.{3,63}\Z)[a-z0-9][a-z0-9.-]*[a-z0-9]"
KEY_ARN = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+"
KEY_MEANING = "the ARN of a KMS key, with its id and not an alias"


def metrics_namespace(app: str) -> str:
    """Return the namespace of an app's metrics, whose dimension is the connector: two copies may have the same."""
    return "AudienceActivation" if app == DEFAULT_APP else f"AudienceActivation/{app}"


# Names that are, or may become, folders of the buckets beside the connectors' or the first part of a ledger's key:
# a connector called account could read the records of every platform's accounts.
RESERVED = frozenset(
    (
        "account", "drops", "errors", "folders", "forgets", "ledger", "listings", "manifests", "mirror",
        "receipts", "rejects", "runs", "samples", "sources", "states", "suppression", "suppressions", "sync",
    )
)  # fmt: skip
