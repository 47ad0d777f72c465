"""A manifest as this app writes it: Redshift's form, and under a key of its own what is said of the files.

Redshift's form: https://docs.aws.amazon.com/redshift/latest/dg/loading-data-files-using-manifest.html (read
2026-11-22). A reader that does not know the key passes over it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from activation.drops.encodings import codec_of, declarable
from activation.errors import Rejected
from activation.identifiers.column_map import DATE_ORDERS, Entries
from activation.identifiers.row_rules import TELL
from activation.identifiers.zones import zone_named

OWN_KEY = "activation"
IDENTIFIERS = "identifiers"
COLUMNS = ("columns", "date_order", "time_zone", "platform", "encoding", IDENTIFIERS)
EXPORT = ("slot", "declaration", "rows", "left_out", "account")
_WORD = re.compile(r"[a-z0-9_]{1,64}")
# What an export says of itself is shown in receipts: too short, and of too few signs, to hold a person's data.
_ACCOUNT = re.compile(r"[\w:-]{1,64}", re.ASCII)
_NAME, _CODE = re.compile(r"[\w:.+ -]{1,64}", re.ASCII), re.compile(r"[a-z][a-z_]{0,63}")


@dataclass(frozen=True)
class ManifestReading:
    """What a manifest says of its files: `columns` as in `--map`, order and zone of dates "" if it says none.

    `encoding` is the one of its CSV and TSV files, "" for the connector's. `platform` is the one by whose rules
    digests were made, "" if it says none or the files hold no digests.
    """

    columns: Entries = ()
    date_order: str = ""
    time_zone: str = ""
    platform: str = ""
    encoding: str = ""


NOTHING_SAID = ManifestReading()


@dataclass(frozen=True)
class ManifestExport:
    """What an export says of itself, for the receipt.

    `slot` is the time that it is for and `declaration` what asked for it, in the exporter's own words; "" for
    none. `rows` is how many rows its files have, None if it does not say. `left_out` counts the rows that the
    exporter left out, by its own codes. `account` is the ad account that the people go to, one of those that the
    connector's token reaches; "" for the one that its secret names.
    """

    slot: str = ""
    declaration: str = ""
    rows: int | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    account: str = ""


def manifest_text(
    bucket: str,
    files: Sequence[tuple[str, int]],
    reading: ManifestReading = NOTHING_SAID,
    *,
    export: ManifestExport | None = None,
) -> str:
    """Return a manifest of `files`, each a key of `bucket` and its size in bytes, which are read so.

    `export` is what they are the export of.

    Raises Rejected (bad_columns) when two entries speak of the same column, of which a JSON object keeps one.
    """
    said = dict(reading.columns)
    if len(said) != len(reading.columns):
        raise Rejected("bad_columns", "two entries speak of the same column")
    own = {
        **({"columns": said} if said else {}),
        **({"date_order": reading.date_order} if reading.date_order else {}),
        **({"time_zone": reading.time_zone} if reading.time_zone else {}),
        **({"platform": reading.platform} if reading.platform else {}),
        **({"encoding": reading.encoding} if reading.encoding else {}),
        **(
            {name: value for name in EXPORT if (value := getattr(export, name)) not in ("", None, {})}
            if export
            else {}
        ),
    }
    entries = [{"url": f"s3://{bucket}/{key}", "meta": {"content_length": size}} for key, size in files]
    return json.dumps({"entries": entries, **({OWN_KEY: own} if own else {})}, indent=1, ensure_ascii=False)


def manifest_reading(manifest: Mapping[str, Any]) -> ManifestReading | None:
    """Return what a manifest, parsed from its JSON, says of the columns; None if it says nothing.

    `{"entries": [...], "activation": {"columns": {"Kontakt": "email"}, "date_order": "dmy"}}`. Raises Rejected
    with bad_columns when that key holds anything else than these and what `manifest_export` reads, and with
    consent_not_told when it says what a platform is to be told of the people's consent.
    """
    own = _own(manifest)
    if TELL in own:
        raise Rejected(
            "consent_not_told",
            f"the folder's manifest says in {TELL!r} what to tell a platform of the people's consent, which no"
            " platform that people can be sent to today has a field for; nothing was sent: keep the folder for the"
            " platform that it was made for, or leave consent.tell out of the mapping and normalise it again",
        )
    columns, order, zone = own.get("columns", {}), own.get("date_order", ""), own.get("time_zone", "")
    if not isinstance(columns, dict) or not all(isinstance(right, str) for right in columns.values()):
        raise _bad('"columns" is not an object such as {"Kontakt": "email"}')
    if order not in ("", *DATE_ORDERS):
        raise _bad(f'"date_order" is none of {", ".join(DATE_ORDERS)}')
    if zone != "" and not (isinstance(zone, str) and zone_named(zone)):
        raise _bad('"time_zone" is no IANA name such as Europe/Berlin')
    platform = own.get("platform", "")
    if platform != "" and not (isinstance(platform, str) and _WORD.fullmatch(platform)):
        raise _bad('"platform" is no name such as meta', "bad_manifest")
    encoding = own.get("encoding", "")
    if encoding != "" and not (isinstance(encoding, str) and codec_of(encoding)):
        raise _bad(f'"encoding" is none of {", ".join(declarable())}')
    found = ManifestReading(tuple(columns.items()), order, zone, platform, encoding)
    return None if found == NOTHING_SAID else found


def refuse_other_platform(made_for: str, platform: str) -> None:
    """Raise Rejected (other_platform) for digests that were made by another platform's rules; "" fits each.

    Platforms normalise differently before they hash, so that such digests would match few people or none.
    """
    if made_for not in ("", platform):
        raise Rejected(
            "other_platform",
            f"the folder's manifest says that its digests were made for {made_for}, and the connector is one of "
            f"{platform}; nothing was sent: set target.platform to {platform} in the mapping, and normalise the "
            "export again",
        )


def manifest_identifiers(manifest: Mapping[str, Any]) -> str:
    """Return the `<identifiers>` of the key for which a manifest's files were written, "" if it says none.

    For who uploads them: to a connector, the key says it. Raises Rejected with bad_manifest for no such name.
    """
    found = _own(manifest).get(IDENTIFIERS, "")
    if found != "" and not (isinstance(found, str) and _WORD.fullmatch(found)):
        raise _bad('"identifiers" is no name such as hashed', "bad_manifest")
    return str(found)


def manifest_export(manifest: Mapping[str, Any]) -> ManifestExport | None:
    """Return what a manifest, parsed from its JSON, says of its export; None if it says nothing.

    `{"activation": {"slot": "2026-12-01T10:00:00Z", "declaration": "vip", "rows": 4,
    "left_out": {"no_consent": 2}}}`.
    Raises Rejected with bad_manifest for anything else.
    """
    own = _own(manifest)
    if not own.keys() & set(EXPORT):
        return None
    slot, declaration, rows = own.get("slot", ""), own.get("declaration", ""), own.get("rows")
    for name, text in (("slot", slot), ("declaration", declaration)):
        if text != "" and not (isinstance(text, str) and _NAME.fullmatch(text)):
            raise _bad(f'"{name}" is no text of up to 64 letters, digits and :.+-_', "bad_manifest")
    if rows is not None and not _is_count(rows):
        raise _bad('"rows" is no number of rows', "bad_manifest")
    left_out = own.get("left_out", {})
    if not isinstance(left_out, dict) or not all(
        _CODE.fullmatch(code) and _is_count(count) for code, count in left_out.items()
    ):
        raise _bad('"left_out" is not an object such as {"no_consent": 2}', "bad_manifest")
    account = own.get("account", "")
    if account != "" and not (isinstance(account, str) and _ACCOUNT.fullmatch(account)):
        raise _bad('"account" is no ad account\'s id, in quotation marks', "bad_manifest")
    return ManifestExport(slot, declaration, rows, left_out, account)


def _own(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    own = manifest.get(OWN_KEY)
    if own is None:
        return {}
    if not isinstance(own, dict) or set(own) - {*COLUMNS, *EXPORT, TELL}:
        raise _bad(f'"activation" takes {", ".join((*COLUMNS, *EXPORT))}')
    return own


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _bad(what: str, code: str = "bad_columns") -> Rejected:
    return Rejected(code, f"in the folder's manifest, {what}")
