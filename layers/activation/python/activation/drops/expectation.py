"""Which objects of the drops bucket lead to a run: the one place that is asked."""

from __future__ import annotations

from activation.drops.places import Role, role_of


def leads_to_run(key: str, size_bytes: int | None = None, *, under_connector: bool = True) -> bool:
    """Return whether somebody who drops an object with this key expects a run of its own for it.

    Signs and sidecars have none, and under a connector's prefix the files of a folder are sent with the folder.
    Under no connector's prefix each file of a folder is told of, since no folder's run can tell. `size_bytes` is
    the stored size, None where it is not known.
    """
    role = role_of(key, size_bytes)
    return role is Role.FILE if under_connector else role not in (Role.SIGN, Role.SIDECAR)
