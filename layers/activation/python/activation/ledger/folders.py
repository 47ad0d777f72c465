"""The records of folders: what has arrived in one since it was closed last, and what its closings took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from activation.aws.table import ConditionalTable, ConditionFailed, Item, number, read_number, read_text
from activation.errors import Retryable
from activation.ledger.keys import folder_key
from activation.records import from_json, to_json

CLOSINGS_KEPT, REFUSED_KEPT = 3, 1
_TRIES = 50  # of a write that other events of the folder keep overtaking
_ONE = {"N": "1"}


@dataclass(frozen=True)
class Closing:
    """One closing of a folder.

    `run_id` is the run that it began and `listing` the key of its list of files, "" when it was refused with
    `code`. `sign_key` is the key of its sign, "" for a quiet time. `at` is when it was noted, in Unix seconds, and
    `stored_at` when the sign was written, by S3's clock. `opened_by` is the event that had opened the folder.
    `late_files` counts the files that had come too late to be sent since the folder was closed before; a refused
    closing hands them on to the next one.
    """

    run_id: str
    listing: str
    sign_key: str
    at: float
    stored_at: float
    opened_by: str = ""
    code: str = ""
    late_files: int = 0


@dataclass(frozen=True)
class Folder:
    """A folder's record as it stands.

    `revision` counts the closings. `opened_at` is when the first file since the last closing was announced, in
    Unix seconds, 0 while there is none; `opened_by` names that event, `last_event` is when the last one came and
    `files` how many did. `late_files` counts those that came too late to be sent, since the last closing.
    `closings` are the newest ones, the last first.
    """

    revision: int = 0
    opened_at: float = 0.0
    opened_by: str = ""
    last_event: float = 0.0
    files: int = 0
    late_files: int = 0
    closings: tuple[Closing, ...] = ()


@dataclass(frozen=True)
class _Kept:
    """The closings as they are stored."""

    closings: tuple[Closing, ...]


class Folders:
    """Reads and writes the records of a connector's folders.

    `ttl_days` is how long a folder is remembered after its last event. `clock` returns Unix seconds.
    """

    def __init__(
        self, table: ConditionalTable, connector: str, *, ttl_days: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._table, self._connector, self._clock = table, connector, clock
        self._ttl_s = ttl_days * 86_400

    def key(self, bucket: str, prefix: str, account: str) -> str:
        """Return the key of a folder's record; `account` is the one that its files' events name, "" for none."""
        return folder_key(self._connector, bucket, prefix, account)

    def read(self, key: str) -> Folder:
        """Return a folder's record, an empty one where there is none."""
        item = self._table.read(key)
        return _folder(item) if item else Folder()

    def note_file(self, key: str, event: str, facts: Mapping[str, str], seen: Folder) -> tuple[Folder, bool]:
        """Note that a file was announced; return the record, and whether the file was noted.

        It is not noted when the folder was closed, or opened by another event, since `seen` was read. `event`
        names the event, `facts` are texts (prefix, audience) for people to read.
        """
        now = number(self._clock())
        if seen.opened_at:
            return self._try(key, seen, "SET last_event = :now", {":now": now}, adds="files_announced")
        sets, values, names = _texts(facts)
        opening = "SET opened_at = :now, opened_by = :event, last_event = :now, files_announced = :one"
        return self._try(
            key,
            seen,
            f"{opening}{sets}",
            {":now": now, ":event": {"S": event}, ":one": _ONE, **values},
            "opened_at = :zero",
            # A folder that was never closed has no such attribute, or was found to have no file any more.
            *(() if seen.revision else ("attribute_not_exists(opened_at)",)),
            names=names,
        )

    def note_closing(self, key: str, closing: Closing, facts: Mapping[str, str]) -> None:
        """Note a closing, after which nothing is open in the folder; repeating one changes nothing."""
        for _ in range(_TRIES):
            if self.note_closing_of(key, closing, facts, self.read(key)):
                return
        raise Retryable("ledger_busy", "a folder's record was overtaken again and again", after_s=10)

    def note_closing_of(
        self, key: str, closing: Closing, facts: Mapping[str, str], seen: Folder, *, undisturbed: bool = False
    ) -> bool:
        """Note a closing unless the folder was closed since it was read; return whether it is noted.

        With `undisturbed` it is not noted either if a file was announced since.
        """
        same = next((one for one in seen.closings if one.run_id == closing.run_id), None)
        if same is not None and (same.listing, same.code) == (closing.listing, closing.code):
            return True
        others = [one for one in seen.closings if one.run_id != closing.run_id]
        before = same or next((one for one in others if one.code != "superseded" or one.late_files), None)
        late = seen.late_files + (before.late_files if before and (same or not before.listing) else 0)
        kept = _kept((replace(closing, opened_by=seen.opened_by, late_files=late), *others))
        sets, values, names = _texts(facts)
        if undisturbed:
            values |= {":last": number(seen.last_event), ":files": {"N": str(seen.files)}}
        _, noted = self._try(
            key,
            seen,
            "SET closings = :closings, opened_at = :zero, files_announced = :none, late_files = :none" + sets,
            {":closings": {"S": to_json(kept)}, ":none": {"N": "0"}, **values},
            *(["last_event = :last AND files_announced = :files"] if undisturbed else []),
            names=names,
            adds="revision",
        )
        return noted

    def note_none_open(self, key: str, seen: Folder) -> None:
        """Note that nothing is open in a folder, unless more files have come since it was read."""
        last = {":last": number(seen.last_event)}
        self._try(key, seen, "SET opened_at = :zero", last, "last_event = :last")

    def note_late(self, key: str, seen: Folder) -> bool:
        """Count a file that came too late to be sent; return False if the folder was closed since it was read."""
        return self._try(key, seen, "SET opened_at = :zero", {}, adds="late_files")[1]

    def _try(
        self,
        key: str,
        seen: Folder,
        expression: str,
        values: Mapping[str, object],
        *conditions: str,
        names: Mapping[str, str] | None = None,
        adds: str = "",
    ) -> tuple[Folder, bool]:
        """Write unless the folder was closed since it was read; return the record as it is, and whether it was.

        One of the `conditions` has to hold too, if there are any.
        """
        bound: dict[str, object] = {":expires": {"N": str(int(self._clock()) + self._ttl_s)}, **values}
        unclosed = "revision = :seen" if seen.revision else "attribute_not_exists(revision)"
        if seen.revision:
            bound[":seen"] = {"N": str(seen.revision)}
        if ":zero" in " ".join((expression, *conditions)):
            bound[":zero"] = number(0.0)
        if adds:
            bound[":one"] = _ONE
        try:
            item = self._table.update(
                key,
                f"{expression}, expires_at = :expires" + (f" ADD {adds} :one" if adds else ""),
                bound,
                condition=" OR ".join(f"{unclosed} AND {one}" for one in conditions) or unclosed,
                names=names,
            )
        except ConditionFailed as failed:
            return _folder(failed.item), False
        return _folder(item), True


def _kept(closings: Sequence[Closing]) -> _Kept:
    """Return the newest closings; those that were refused do not push out the others, which say what was sent."""
    kept = []
    room = {True: CLOSINGS_KEPT, False: REFUSED_KEPT}
    for one in closings:
        if room[bool(one.listing)]:
            room[bool(one.listing)] -= 1
            kept.append(one)
    return _Kept(tuple(kept))


def closings_of(text: str) -> tuple[Closing, ...]:
    """Return the closings that a record holds as text, the last first; raises DamagedRecord."""
    return from_json(text, _Kept).closings if text else ()


def _texts(facts: Mapping[str, str]) -> tuple[str, dict[str, object], dict[str, str]]:
    """Return the assignments of texts, their values and their names."""
    sets = "".join(f", #f{index} = :f{index}" for index in range(len(facts)))
    values: dict[str, object] = {f":f{index}": {"S": text} for index, text in enumerate(facts.values())}
    return sets, values, {f"#f{index}": name for index, name in enumerate(facts)}


def _folder(item: Item) -> Folder:
    return Folder(
        revision=int(read_number(item, "revision")),
        opened_at=read_number(item, "opened_at"),
        opened_by=read_text(item, "opened_by"),
        last_event=read_number(item, "last_event"),
        files=int(read_number(item, "files_announced")),
        late_files=int(read_number(item, "late_files")),
        closings=closings_of(read_text(item, "closings")),
    )
