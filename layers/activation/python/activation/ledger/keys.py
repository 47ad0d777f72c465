"""The keys of the ledger table: every kind of record that the app keeps there, and its owner.

A function's role may touch the keys that begin with its connector's name and with its platform's accounts
(stacks/permissions.py).
"""

from __future__ import annotations

import hashlib

from activation.model import Drop
from activation.platforms.rate import Scope

RUN = "#run#"  # between a connector's name and a run's id; lists of runs select by it
UNREAD = "#unread#"  # in the same place, for an object that no run reads
NO_CONNECTOR = "_"  # which cannot be a connector's name
FOLDER = "#folder#"  # between a connector's name and the digest of a folder; lists of open folders select by it


def run_key(connector: str, run_id: str) -> str:
    """Return the key of a run's record."""
    return f"{connector}{RUN}{run_id}"


def part_key(connector: str, run_id: str, part: int) -> str:
    """Return the key of the record of a part of a large run; lists of runs leave it out."""
    return f"{connector}#part#{run_id}#{part}"


def approval_key(connector: str, run_id: str) -> str:
    """Return the key of the record that lets a run take out more people than the guard allows."""
    return f"{connector}#approved#{run_id}"


def order_key(connector: str, run_id: str) -> str:
    """Return the key of the record of what people have asked of a run."""
    return f"{connector}#order#{run_id}"


def unread_key(connector: str, run_id: str) -> str:
    """Return the key of the record of an object that no run reads; `connector` is NO_CONNECTOR under no prefix."""
    return f"{connector}{UNREAD}{run_id}"


def findings_key(connector: str) -> str:
    """Return the key of which findings of a connector were notified; NO_CONNECTOR stands for the app's own."""
    return f"{NO_CONNECTOR}#doctor#{connector}"


def start_key(kind: str, name: str, slot: str) -> str:
    """Return the key of a paid start's record: of what `kind`, which export or query, and for which occasion."""
    return f"{NO_CONNECTOR}#start#{kind}#{name}#{slot}"


def unversioned_key(connector: str, bucket: str, key: str, etag: str) -> str:
    """Return the key of the record that an object without a version, of this ETag without quotes, was handled."""
    name = hashlib.sha256("\n".join([bucket, key, etag]).encode()).hexdigest()
    return f"{connector}#unversioned#{name}"


def source_key(connector: str, bucket: str, prefix: str) -> str:
    """Return the key of the record of when a connector's source was first watched; `prefix` is the source's."""
    name = hashlib.sha256("\n".join([connector, bucket, prefix]).encode()).hexdigest()
    return f"{NO_CONNECTOR}#source#{name}"


def folder_key(connector: str, bucket: str, prefix: str, account: str) -> str:
    """Return the key of a folder's record; `account` is "" for the ad account of the connector's secret."""
    name = hashlib.sha256("\n".join([bucket, prefix, *filter(None, [account])]).encode()).hexdigest()
    return f"{connector}{FOLDER}{name}"


def newest_version_key(connector: str, drop: Drop, account: str) -> str:
    """Return the key of the record of the newest version of a drop's object that was sent to an ad account.

    `account` is "" for the one of the connector's secret.
    """
    name = hashlib.sha256("\n".join([drop.bucket, drop.key, *filter(None, [account])]).encode()).hexdigest()
    return f"{connector}#object#{name}"


def drop_users_key(connector: str, drop: Drop) -> str:
    """Return the key of the record of the runs that need a drop besides its own."""
    name = hashlib.sha256("\n".join([drop.bucket, drop.key, drop.version_id]).encode()).hexdigest()
    return f"{connector}#users#{name}"


def options_key(connector: str, audience: str) -> str:
    """Return the key of the record of what an audience's file said, below the prefix of a connector."""
    return f"{connector}#options#{audience}"


def arrival_key(connector: str, audience: str) -> str:
    """Return the key of the record of when a drop for an expected audience last came."""
    return f"{connector}#arrived#{audience}"


def audience_key(platform: str, account: str, audience: str) -> str:
    """Return the key of an audience's lock, the same for all connectors of the account."""
    return f"account#{platform}#{account}#audience#{audience}"


def mirror_prefix(lock: str) -> str:
    """Return where in the bucket of mirrors an audience is kept, below its platform; `lock` is its lock's key.

    Its name is a digest there: a name may have any letters, and lists of keys show up in logs.
    """
    _, platform, account, _, name = lock.split("#", 4)
    return f"{platform}/{account}/{hashlib.sha256(name.encode()).hexdigest()[:32]}/"


def known_audience_key(lock: str) -> str:
    """Return the key of the record that says an audience exists, which never expires; `lock` is its lock's key."""
    return lock.replace("#audience#", "#known#", 1)


def mirror_key(lock: str) -> str:
    """Return the key of what a mirrored audience was sent, which never expires; `lock` is its lock's key."""
    return lock.replace("#audience#", "#mirror#", 1)


def replacement_key(audience: str) -> str:
    """Return the key of the record of an audience's newest replace; `audience` is the key of its lock."""
    return f"{audience}#replaced"


def waiter_key(lock: str, run_id: str) -> str:
    """Return the key of what wakes a run that waits for an audience, whose lock has the key `lock`.

    It is the platform's, not the connector's: a run of another connector may have to read it.
    """
    account, platform, _ = lock.split("#", 2)
    return f"{account}#{platform}#waiter#{run_id}"


def rate_key(platform: str, scope: Scope, shared_with: str) -> str:
    """Return the key of the record of a platform's rate limit, shared by all workers under it.

    `shared_with` is the ad account, or the ARN of the secret whose token the limit belongs to.
    """
    if scope is Scope.ACCOUNT:
        return f"account#{platform}#{shared_with}"
    return f"{token_key(platform, shared_with)}#rate"


def token_key(platform: str, secret_arn: str) -> str:
    """Return the key of the lock under which a secret's token is replaced."""
    return f"account#{platform}#token#{hashlib.sha256(secret_arn.encode()).hexdigest()[:16]}"
