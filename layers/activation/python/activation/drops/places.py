"""Where an object lies below its audience, and so what it is: a file, a file of a folder, a sign or a sidecar."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from activation.drops.sidecars import is_sidecar, is_sidecar_folder, is_sign
from activation.model import Action

_BEFORE_ACTION = 3  # connector, audience, identifiers
_ACTIONS = frozenset(Action)


class Role(StrEnum):
    """What an object is."""

    FILE = "file"  # directly below the identifiers or the action: a drop of its own
    PART = "part"  # a file of a folder, which is one drop
    SIGN = "sign"  # says that its folder is complete
    SIDECAR = "sidecar"  # no data


@dataclass(frozen=True)
class Place:
    """What an object is, and where it belongs.

    `base` is the key through the identifiers and the action, ending in "/". `folders` are the folders that the
    object is in, the nearest first and `base` last, each a key that ends in "/". A folder named `key=value` is
    none: what lies in it belongs to the nearest folder above that is one, in the end to `base`.
    """

    role: Role
    base: str
    folders: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Return the folder that the object belongs to."""
        return self.folders[0]


def place_of(key: str, size_bytes: int | None = None) -> Place | None:
    """Return an object's place, None for a key that is too short to have one.

    `size_bytes` is its stored size where that is known: an object without a byte, inside a folder, is a marker. A
    key that ends in "/" is a marker too.
    """
    segments = key.split("/")
    depth = actions_depth(segments)
    if len(segments) <= depth:
        return None
    base = "/".join(segments[:depth]) + "/"
    within, name = segments[depth:-1], segments[-1]
    ends = [at for at in range(len(within), 0, -1) if "=" not in within[at - 1]]
    folders = (*(f"{base}{'/'.join(within[:end])}/" for end in ends), base)
    return Place(_role(within, name, size_bytes), base, folders)


def role_of(key: str, size_bytes: int | None = None) -> Role:
    """Return what an object is; one whose key is too short is a file, unless it is a sign or sidecar by name."""
    if place := place_of(key, size_bytes):
        return place.role
    name = key.rsplit("/", 1)[-1]
    return Role.SIDECAR if is_sidecar(name) or is_sign(name) else Role.FILE


def actions_depth(segments: list[str]) -> int:
    """Return how many segments of a key come before its folders and its file."""
    has_action = len(segments) > _BEFORE_ACTION + 1 and segments[_BEFORE_ACTION].lower() in _ACTIONS
    return _BEFORE_ACTION + has_action


def _role(within: list[str], name: str, size_bytes: int | None) -> Role:
    if any(map(is_sidecar_folder, within)) or is_sidecar(name):
        return Role.SIDECAR
    if is_sign(name):
        return Role.SIGN
    if not within:
        return Role.FILE
    return Role.SIDECAR if size_bytes == 0 else Role.PART
