"""From `s3_filename` to the keys a task run may write: below the landing prefix, in a drop, or its own."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from activation.drops.locate import locate
from activation.drops.places import Role
from activation.errors import Rejected
from activation.identifiers.table import FieldTable
from activation.model import Action

MAX_NAME = 128
MAX_FILE_NAME = 1024  # an S3 key's limit, and so the most a name that was meant as a key can have
MAX_KEY_BYTES = 1024

_NOT_SAFE = re.compile(r"[^A-Za-z0-9._-]+")
_OCCURRENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class SasFiles(StrEnum):
    """Whether files land as SAS's own connector writes them: the original bytes under the task's own name."""

    NONE = "none"
    BESIDE = "beside"  # our own landing
    INSTEAD = "instead"  # of our own landing; drops remain drops


@dataclass(frozen=True)
class Target:
    """Where the file goes: the key, and the connector whose drop it becomes, "" for the landing prefix.

    `sas_key` is "", or the key in the bucket of SAS's files. `key` is then only the file's identity, which begins
    with a slash, as no key in the drops bucket does.
    """

    key: str
    connector: str = ""
    sas_key: str = ""


@dataclass(frozen=True)
class Targets:
    """What the settings let CI360 write to.

    `landing_prefix` ends in a slash. `drops` maps every connector's name to the actions its drops may have when
    they come from CI360, to none where the settings do not open it.
    """

    landing_prefix: str
    drops: Mapping[str, frozenset[Action]]
    sas_files: SasFiles = SasFiles.NONE

    def choose_all(self, file_name: str, occurrence: str) -> tuple[Target, ...]:
        """Return every key to write the file to, one or two; raises as `choose` does.

        A drop is never one of SAS's files: their connector cannot write a name with a folder, so nobody reads one.
        """
        if self.sas_files is SasFiles.NONE or file_name.partition("/")[0] in self.drops:
            return (self.choose(file_name, occurrence),)
        _refuse_hostile(file_name)
        original = Target(f"/{occurrence}/{file_name}", sas_key=_bounded(file_name))
        if self.sas_files is SasFiles.INSTEAD:
            return (original,)
        return (self.choose(file_name, occurrence), original)

    def choose(self, file_name: str, occurrence: str) -> Target:
        """Return the key for a file name as the task has it.

        `occurrence` names one run of the task; it is part of the key, so that two runs never meet. Raises
        Rejected with a sentence for the marketer, which holds no part of the name.
        """
        _refuse_hostile(file_name)
        connector = file_name.partition("/")[0]
        if connector in self.drops:
            return self._drop(connector, file_name, occurrence)
        name = _safe_name(file_name)
        return Target(_bounded(f"{self.landing_prefix}{_with_occurrence(name, occurrence)}"))

    def _drop(self, connector: str, key: str, occurrence: str) -> Target:
        """Read the name as a drop's key, and make its last part safe and its own."""
        if not self.drops[connector]:
            # Rather than land it elsewhere: whoever writes a connector's name means its audience.
            raise Rejected(
                "connector_not_open", f"{connector} takes no drops from CI360; see ci360.drops in the settings"
            )
        # The files have a header row and identity_id for first column, so of the kinds of drop only the two
        # with a header can be meant; a table without single columns says just that.
        located = locate(
            key,
            connector=connector,
            table=FieldTable(platform=connector, fields=()),
            actions=self.drops[connector],
        )
        if located.place.role is not Role.FILE:
            raise Rejected(
                "unknown_action", "a name below a connector is one file right below the identifiers or the action"
            )
        folder = key[: -len(located.file)]
        return Target(_bounded(f"{folder}{_with_occurrence(_safe_name(located.file), occurrence)}"), connector)


def occurrence_name(occurrence_id: str, data_link: str) -> str:
    """Name an occurrence in a key: its id where that is made of letters, digits and hyphens, else a digest.

    A body without an id is known by its link: the same body sent twice is one occurrence, and nothing that could
    be another file is ever taken for it.
    """
    if _OCCURRENCE.fullmatch(occurrence_id):
        return occurrence_id
    return hashlib.sha256((occurrence_id or data_link).encode()).hexdigest()[:32]


def _refuse_hostile(name: str) -> None:
    """Refuse what no honest file name has, rather than repair it."""
    if not name.strip():
        raise Rejected("blank_name", "must not be blank")
    if len(name) > MAX_FILE_NAME:
        raise Rejected("long_name", f"must not be longer than {MAX_FILE_NAME} characters")
    for form in (name, _unmasked(name)):
        if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in form):
            raise Rejected("control_character", "must not contain control or invisible characters")
        if "\\" in form:
            raise Rejected("backslash", "must not contain a backslash")
        if form.startswith("/"):
            raise Rejected("absolute_name", "must not begin with a slash")
        segments = form.split("/")
        if any(segment.strip() in {".", ".."} for segment in segments):
            raise Rejected("dot_segment", "must not contain '.' or '..' as a part")
        if not all(segment.strip() for segment in segments):
            raise Rejected("empty_segment", "must not contain an empty part")


def _unmasked(name: str) -> str:
    """Return the name as somebody further on might read it: wide letters plain, percent signs resolved."""
    plain = unicodedata.normalize("NFKC", name)
    while (decoded := urllib.parse.unquote(plain, errors="replace")) != plain:
        plain = decoded
    return plain


def _safe_name(name: str) -> str:
    """Make one safe base name of it, folders joined in: letters lose their accents, the rest becomes `_`."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    safe = _NOT_SAFE.sub("_", plain.strip()).lstrip("._-")
    if not safe.strip("_-."):
        raise Rejected("unusable_name", "must contain a letter or a digit from a to z, 0 to 9")
    if len(safe) > MAX_NAME:
        raise Rejected("long_name", f"must not be longer than {MAX_NAME} characters")
    return safe


def _with_occurrence(name: str, occurrence: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}_{occurrence}.{suffix}" if dot and stem else f"{name}_{occurrence}"


def _bounded(key: str) -> str:
    if len(key.encode()) > MAX_KEY_BYTES:
        raise Rejected("long_name", f"must not make a key longer than {MAX_KEY_BYTES} bytes")
    return key
