"""Reading a drop's key, which is the contract: connector, audience, identifiers, action, folder, file."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from activation.drops.action_words import action_meant, says_more
from activation.drops.key_text import key_text
from activation.drops.places import Place, actions_depth, place_of
from activation.errors import Rejected
from activation.identifiers.kinds import PLAIN_LISTS, declarable
from activation.identifiers.table import FieldTable
from activation.model import EVENTS, HASHED, RAW, Action, Audience, Kind, visible_name

LAYOUT = "<connector>/<audience>/<identifiers>[/<action>]/<file>"
# An audience's name is in the keys of its receipts and rejects, which S3 lets be 1,024 bytes long; 128 characters
# of any script, the most a platform here takes, fit.
MAX_NAME_BYTES = 512
_IDENTIFIERS = 2  # the segment that declares them
# What tools call the column that says what became of a record, as a folder: Hudi and DMS write `op=D/`.
_OPERATIONS = frozenset(("action", "op", "operation", "change", "change_type"))
# What to propose where the platform does not offer what a name means.
_NEAREST = {Action.MIRROR: Action.REPLACE}


@dataclass(frozen=True)
class Located:
    """A key, read: whose audience, what the cells are declared to be, the file's own name, and where it lies."""

    audience: Audience
    kind: Kind
    file: str
    place: Place


def locate(
    key: str,
    *,
    connector: str,
    table: FieldTable,
    actions: Iterable[Action],
    allowed: Collection[str] = (),
    in_source: bool = False,
) -> Located:
    """Read a key exactly as S3 and EventBridge give it; it is never URL-decoded.

    EventBridge does not encode keys, unlike S3's own notifications
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html, read 2026-11-22), so `+` and `%`
    are letters like any other. The audience's name is the part of the key as it is seen: two keys that look the
    same mean the same audience. `<identifiers>` and `<action>` are case-insensitive. A folder whose name could be
    meant as another action is refused, see action_words.py. The key of a folder itself, which ends in "/", is read
    like that of a file in it. `actions` are what the platform offers, `allowed` those of them that the connector's
    settings allow, none for all. `in_source` says that the settings of a source stand for all of the key but its
    folders and file.

    Raises Rejected: wrong_depth, empty_segment, other_connector, name_too_long, unknown_identifiers,
    unknown_action, action_not_offered, action_not_allowed. The sentence spells out the layout; the only part of
    the key in it is the name of the folder that unknown_action is about.
    """
    segments = key.split("/")
    place = place_of(key)
    if place is None:
        raise Rejected("wrong_depth", f"the key has {len(segments)} parts; the layout is {LAYOUT}")
    if not all(segment.strip() for segment in segments[:-1]) or segments[-1].isspace():
        raise Rejected("empty_segment", f"a part of the key is empty; the layout is {LAYOUT}")
    if segments[0] != connector:
        raise Rejected("other_connector", f"the key is not under {connector}/; the layout is {LAYOUT}")
    if len(segments[1].encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        raise Rejected("name_too_long", f"the audience's name has more than {MAX_NAME_BYTES} bytes")
    offered, depth = frozenset(actions), actions_depth(segments)
    refuse_folders(key, [one for one in offered if not allowed or one in allowed], in_source=in_source)
    action = Action(segments[depth - 1].lower()) if depth > _IDENTIFIERS + 1 else Action.ADD
    if action not in offered:
        names = ", ".join(sorted(offered))
        raise Rejected("action_not_offered", f"{table.platform} offers {names}; not {action}")
    if allowed and action not in allowed:
        names = ", ".join(sorted(allowed))
        raise Rejected("action_not_allowed", f"the connector's settings allow {names}; not {action}")
    audience = Audience(connector, visible_name(segments[1]), action)
    return Located(audience, _kind(segments[_IDENTIFIERS], table), segments[-1], place)


def refuse_folders(key: str, usable: Collection[Action] = frozenset(Action), *, in_source: bool = False) -> None:
    """Raise Rejected (unknown_action) for a key with a folder whose name could be meant as another action.

    `usable` are the actions that the platform offers and the settings allow: which one is proposed depends on
    them, whether the folder is refused does not.
    """
    segments = key.split("/")
    depth = actions_depth(segments)
    action = Action(segments[depth - 1].lower()) if depth > _IDENTIFIERS + 1 else None
    for folder in segments[depth:-1]:
        if meant := _other_action(folder, action):
            nearest = meant if meant in usable else _NEAREST.get(meant, meant)
            proposed = nearest if nearest in usable and nearest is not action and not in_source else None
            raise Rejected("unknown_action", _why(folder, meant, proposed, in_source=in_source))


def _other_action(folder: str, action: Action | None) -> Action | None:
    """Return the action that a folder could be meant as, None for the key's own: `action`, None if it has none."""
    column, is_pair, value = folder.partition("=")
    if is_pair and column.lower() not in _OPERATIONS:
        return None
    name = value if is_pair else folder
    meant = Action.REMOVE if is_pair and name.lower() == "d" else action_meant(name)
    if is_pair and action is None:
        action = Action.ADD  # a partition of inserts is what an add is for
    if meant is Action.ADD and action is None and says_more(name):
        return None  # `updated_customers` adds, and is a folder's name
    return None if meant is action else meant


def _why(folder: str, meant: Action, proposed: Action | None, *, in_source: bool) -> str:
    could = f"the name of the folder {key_text(folder)}/ could be meant as the action {proposed or meant}"
    other_name = "give the folder a name without such a word"
    if in_source:
        return f"{could}, but in a source only the settings say the action: {other_name}"
    if proposed is None:
        return f"{could}, which is not offered here: {other_name}"
    return f"{could}: write its files below {proposed}/ ({LAYOUT}), or {other_name}"


def _kind(segment: str, table: FieldTable) -> Kind:
    declared = segment.lower()
    if table.events is None and declared == RAW.declared:
        return RAW
    if table.events is None and declared == HASHED.declared:
        return HASHED
    if declared in table.hashed_as:
        return Kind(declared, hashed=True)
    if table.events is not None and declared == EVENTS.declared:
        return EVENTS
    if table.events is None and declared in PLAIN_LISTS and (fields := table.named(declared)):
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
