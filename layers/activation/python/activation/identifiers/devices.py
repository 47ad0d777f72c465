"""Mobile advertising ids (Apple's IDFA, Google's advertising id)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from activation.identifiers.codes import Code
from activation.identifiers.rules import Result
from activation.identifiers.table import Context
from activation.identifiers.text import unmarked

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ZEROS = re.compile(r"[0-]+")

# Shapes, from the strictest. A shape keeps e-mail addresses and names out of fields that are sent as plaintext.
UUID = re.compile(_UUID, re.ASCII)
HYPHENATED = re.compile(r"(?=[a-z-]*[0-9])[0-9a-z]{2,32}(?:-[0-9a-z]{2,32}){3,7}", re.ASCII)
TOKEN = re.compile(r"[0-9a-z][0-9a-z_-]{2,127}", re.ASCII)


@dataclass(frozen=True)
class Device:
    """Trimmed, lower case, hyphens kept; an id of zeros belongs to somebody who opted out of tracking."""

    name: str
    shape: re.Pattern[str] = UUID

    def value(self, text: str, context: Context) -> Result:
        """Normalise one id."""
        device = unmarked(text).lower()
        if _ZEROS.fullmatch(device):
            return None, Code.DEVICE_OPTED_OUT
        if not self.shape.fullmatch(device):
            return None, Code.NOT_A_DEVICE_ID
        return device, None

    def clean(self, values: pa.Array, context: Context) -> pa.Array:
        """Normalise ids of the usual shape."""
        lowered = pc.ascii_lower(pc.ascii_trim_whitespace(values))
        fits = pc.and_not(
            pc.match_substring_regex(lowered, rf"\A{_UUID}\z"), pc.match_substring_regex(lowered, r"\A[0-]+\z")
        )
        return pc.if_else(pc.fill_null(fits, fill_value=False), lowered, pa.scalar(None, pa.string()))
