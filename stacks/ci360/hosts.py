"""The hosts that CI360's links may point to: names that one party owns, and no suffix with names for anybody."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from publicsuffixlist import PublicSuffixList

# A name, or with a dot in front all names that end like this.
HOST = r"\.?(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+"

# Every bucket of a region or an account has a name under these forms; newer regions may not be in the list yet.
_S3 = re.compile(r"(\.|\A)s3([.-][a-z0-9-]+)*\.amazonaws\.com(\.cn)?|\.?amazonaws\.com(\.cn)?")
# Buckets have names under the first, accounts under the second, and the Public Suffix List lacks both:
# https://cloud.google.com/storage/docs/request-endpoints, https://developers.cloudflare.com/r2/api/s3/api/, read
# 2026-11-30
_SHARED = frozenset({"storage.googleapis.com", "r2.cloudflarestorage.com", "eu.r2.cloudflarestorage.com"})


def is_anybodys(host: str) -> bool:
    """Return whether somebody else can own a name that an entry of `allowed_hosts` matches.

    Decided by the Public Suffix List (https://publicsuffix.org/list/), whose private section names the domains in
    which companies give names to customers. A wildcard anywhere in such a company's domain is refused, unless it
    is below a name that one customer has.
    """
    name, wild = host.removeprefix("."), host.startswith(".")
    every = PublicSuffixList()
    if _S3.fullmatch(host) or name in _SHARED or every.is_public(name):
        return True
    if not wild:
        return False
    if any(one.endswith(f".{name}") for one in _SHARED):
        return True
    registries = PublicSuffixList(only_icann=True)
    if every.publicsuffix(name) != registries.publicsuffix(name):
        return False  # below a customer's own name
    owned = registries.privatesuffix(name)
    return owned is None or any(one.endswith(f".{owned}") for one in _private_suffixes())


@cache
def _private_suffixes() -> frozenset[str]:
    """Return the names of the list's private section, without the signs of its wildcards and exceptions."""
    text = files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    section = text.partition("===BEGIN PRIVATE DOMAINS===")[2].partition("===END PRIVATE DOMAINS===")[0]
    lines = (line.strip() for line in section.splitlines())
    return frozenset(line.lstrip("!*.") for line in lines if line and not line.startswith("//"))
