"""Postal codes: ZIP, ZIP+4 and the rest of the world's."""

from __future__ import annotations

import re
import unicodedata

from activation.identifiers.codes import Code
from activation.identifiers.rules import PerValue, Result
from activation.identifiers.table import Context
from activation.identifiers.text import foreign, is_float, trim

_MAX_LENGTH = 12
_US_PLUS_4 = re.compile(r"(\d{5})-?\d{4}", re.ASCII)

# https://github.com/aws-solutions/amazon-marketing-cloud-uploader-from-aws, source/glue/library/zip_normalizer.py:
# shapes by country once white space and punctuation are gone; elsewhere five digits.
_CANADA = re.compile(r"(?:[a-z]\d){3}", re.ASCII)
_BRITAIN = re.compile(r"(?:[a-z]{1,2}\d{2,3}|[a-z]{1,2}\d[a-z]\d)[a-z]{2}", re.ASCII)


def _plain(text: str) -> tuple[str, str | None]:
    """Return the lower-case letters and digits of a postal code, or the code that says why there are none."""
    written = unicodedata.normalize("NFKC", trim(text)).lower()
    if is_float(written):
        return "", Code.NUMBER_AS_FLOAT
    if foreign(written):
        return "", Code.NOT_LATIN
    kept = re.sub(r"[^a-z0-9]", "", written)
    return kept, None if kept else Code.NOTHING_LEFT


def postal_code(name: str) -> PerValue:
    """Write it in lower case without white space and punctuation; of a ZIP+4 keep the first five digits."""

    def normalize(text: str, context: Context) -> Result:  # noqa: ARG001 - the protocol's
        kept, code = _plain(text)
        if code:
            return None, code
        # Postal codes have digits; two letters are a British area.
        if len(kept) > _MAX_LENGTH or (len(kept) > 2 and not any(c.isdigit() for c in kept)):
            return None, Code.NOT_A_POSTAL_CODE
        plus_4 = _US_PLUS_4.fullmatch(kept)
        return (plus_4[1] if plus_4 else kept), None

    return PerValue(name, normalize)


def shaped_postal_code(name: str) -> PerValue:
    """Take a code of the shape its country uses: the connector's country, or else by the shape itself."""

    def normalize(text: str, context: Context) -> Result:
        kept, code = _plain(text)
        if code:
            return None, code
        found = _shaped(kept, context.default_country)
        return (found, None) if found else (None, Code.NOT_A_POSTAL_CODE)

    return PerValue(name, normalize)


def _shaped(kept: str, default_country: str) -> str | None:
    digits = re.sub(r"\D", "", kept)
    if default_country == "CA":
        return kept if _CANADA.fullmatch(kept) else None
    if default_country == "GB":
        return kept if _BRITAIN.fullmatch(kept) else None
    if default_country in ("IN", "JP"):
        width = 6 if default_country == "IN" else 7
        return digits if len(digits) == width else None
    if _CANADA.fullmatch(kept) or _BRITAIN.fullmatch(kept):
        return kept
    if len(digits) == 9:
        return digits[:5]
    return digits if len(digits) in (5, 6, 7) else None


def spaced_postal_code(name: str) -> PerValue:
    """Trim it and write it in upper case with its spaces and hyphens, where the platform takes it in clear."""

    def normalize(text: str, context: Context) -> Result:  # noqa: ARG001 - the protocol's
        kept, code = _plain(text)
        if code:
            return None, code
        written = " ".join(unicodedata.normalize("NFKC", trim(text)).upper().split())
        if not re.fullmatch(r"[A-Z0-9][A-Z0-9 -]{1,11}", written) or not any(c.isdigit() for c in kept):
            return None, Code.NOT_A_POSTAL_CODE
        return written, None

    return PerValue(name, normalize)
