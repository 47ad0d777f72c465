"""Reading a drop's key, which is the contract: connector, audience, identifiers, action, file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from activation.errors import Rejected
from activation.identifiers.kinds import PLAIN_LISTS, declarable
from activation.identifiers.table import FieldTable
from activation.model import HASHED, RAW, Action, Audience, Kind, visible_name

LAYOUT = "<connector>/<audience>/<identifiers>[/<action>]/<file>"
# An audience's name is in the keys of its receipts and rejects, which S3 lets be 1,024 bytes long; 128 characters
# of any script, the most a platform here takes, fit.
MAX_NAME_BYTES = 512
# What Spark, Databricks and Parquet writers leave beside their files.
MARKERS = frozenset(("_SUCCESS", "_metadata", "_common_metadata", "_temporary"))
MARKER_PREFIXES = ("_started_", "_committed_")


@dataclass(frozen=True)
class Located:
    """A key, read: whose audience, what the cells are declared to be, and the file's own name."""

    audience: Audience
    kind: Kind
    file: str


def is_marker(key: str) -> bool:
    """Whether the object is no drop but a tool's own mark: a folder, Spark's _SUCCESS, a hidden file.

    Any other file that begins with an underscore is somebody's export, which must not be passed over in silence.
    """
    name = key.rsplit("/", 1)[-1]
    return not name or name in MARKERS or name.startswith((".", *MARKER_PREFIXES))


def locate(key: str, *, connector: str, table: FieldTable, actions: Iterable[Action]) -> Located:
    """Read a key exactly as S3 and EventBridge give it; it is never URL-decoded.

    EventBridge does not encode keys, unlike S3's own notifications
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html, read 2026-11-22), so `+` and `%`
    are letters like any other. The audience's name is the part of the key as it is seen: two keys that look the
    same mean the same audience. `<identifiers>` and `<action>` are case-insensitive.

    Raises Rejected: wrong_depth, empty_segment, other_connector, name_too_long, unknown_identifiers,
    unknown_action, action_not_offered. The sentence spells out the layout; it holds no part of the key.
    """
    segments = key.split("/")
    if len(segments) not in (4, 5):
        raise Rejected("wrong_depth", f"the key has {len(segments)} parts; the layout is {LAYOUT}")
    if not all(segment.strip() for segment in segments):
        raise Rejected("empty_segment", f"a part of the key is empty; the layout is {LAYOUT}")
    if segments[0] != connector:
        raise Rejected("other_connector", f"the key is not under {connector}/; the layout is {LAYOUT}")
    if len(segments[1].encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        raise Rejected("name_too_long", f"the audience's name has more than {MAX_NAME_BYTES} bytes")
    action = _action(segments[3]) if len(segments) == 5 else Action.ADD
    offered = frozenset(actions)
    if action not in offered:
        names = ", ".join(sorted(offered))
        raise Rejected("action_not_offered", f"{table.platform} offers {names}; not {action}")
    return Located(Audience(connector, visible_name(segments[1]), action), _kind(segments[2], table), segments[-1])


def _action(segment: str) -> Action:
    try:
        return Action(segment.lower())
    except ValueError:
        names = ", ".join(Action)
        raise Rejected("unknown_action", f"the action is none of {names}; the layout is {LAYOUT}") from None


def _kind(segment: str, table: FieldTable) -> Kind:
    declared = segment.lower()
    if declared == RAW.declared:
        return RAW
    if declared == HASHED.declared:
        return HASHED
    if declared in PLAIN_LISTS and (fields := table.named(declared)):
        return Kind(declared, hashed=False, single=fields[0].key)
    singles = dict(table.singles)
    if segment.upper() in singles:
        return Kind(declared, hashed=True, single=singles[segment.upper()])
    names = ", ".join(declarable(table))
    alike = " or ".join(name.lower() for name in get_close_matches(segment.upper(), singles, cutoff=0.85))
    meant = f"; is {alike} meant?" if alike else ""
    raise Rejected(
        "unknown_identifiers", f"the identifiers part is none of {names}{meant}; the layout is {LAYOUT}"
    )
