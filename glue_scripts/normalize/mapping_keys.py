"""The keys of a mapping file, the choices of its values, and their limits; its JSON Schema is made of them too."""

from __future__ import annotations

from activation.drops.quotes import Escape

FORMATS = ("csv", "tsv", "jsonl", "parquet")
ESCAPES = (Escape.DOUBLED.value, Escape.BACKSLASH.value)
MOST_ENTRIES = 200
LEAST_PART, MOST_PART = 1, 5_000_000
# A part of a key, which is a folder's name on this machine too.
PART = r"(?!\.\.?$)[^/\x00-\x1f\x7f]*[^/\s\x00-\x1f\x7f][^/\x00-\x1f\x7f]*"
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
KEYS = (
    *("$schema", "name", "input", "derived", "filters", "consent", "group_by", "aggregates", "having", "columns"),
    *("default_country", "date_order", "time_zone", "target", "output"),
)
INPUT_KEYS = ("format", "delimiter", "encoding", "escape", "null", "complete", "decimal")
TARGET_KEYS = ("platform", "connector", "audience", "action")
OUTPUT_KEYS = ("identifiers", "format", "rows_per_part", "event_id", "deduplicate")
LONGEST_NAME = 200
