"""What a test may set with `POST /_sim/config`, and what holds when it sets nothing.

Every setting is about the files behind the links: how slowly they come, and what is wrong with the answers.

    {"bytes_per_s": 20000, "cut_after_bytes": 5000000, "cuts": 2}
"""

from __future__ import annotations

from dataclasses import dataclass

TENANT_ID = "a1b2c3d4e5f60718293a4b5c"
CLIENT_SECRET = "simulated0client0secret0for0the0access0point"


@dataclass(frozen=True)
class Ci360Settings:
    """How the staging behaves.

    `link_lifetime_s` is how long a link is good. `bytes_per_s` slows the files down, None does not.
    `extra_length` is added to the announced length; `no_length` announces none. `cut_after_bytes` closes the
    connection after that many bytes of an answer, for the next `cuts` answers. `redirect_to` answers 302.
    `encoding` is said to be the files'. `ignore_ranges` sends a file whole whatever part was asked for.
    `changed` gives files another entity tag.
    """

    latency_s: float = 0.0
    link_lifetime_s: float = 3600.0
    bytes_per_s: int | None = None
    extra_length: int = 0
    no_length: bool = False
    cut_after_bytes: int | None = None
    cuts: int = 0
    redirect_to: str = ""
    encoding: str = ""
    ignore_ranges: bool = False
    changed: bool = False
