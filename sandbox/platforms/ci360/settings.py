"""The settings that a test may change with `POST /_sim/config`, and their defaults.

Every setting is about the files behind the links: how slowly they are sent, and what is wrong with the answers.

    {"bytes_per_s": 20000, "cut_after_bytes": 5000000, "cuts": 2}
"""

from __future__ import annotations

from dataclasses import dataclass

TENANT_ID = "a1b2c3d4e5f60718293a4b5c"
CLIENT_SECRET = "simulated0client0secret0for0the0access0point"


@dataclass(frozen=True)
class Ci360Settings:
    """The behaviour of the staging.

    `link_lifetime_s` is how long a link is valid. `bytes_per_s` limits the speed, None does not. `extra_length` is
    added to the announced length; `no_length` announces none. `cut_after_bytes` closes the connection after that
    many bytes of an answer, for the next `cuts` answers. `redirect_to` answers 302. `encoding` is announced as the
    files' Content-Encoding. `ignore_ranges` sends the whole file whatever range was requested. `changed` gives
    files another entity tag.
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
