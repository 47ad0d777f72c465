"""Adds the stack of the sync, if a source is a database or a lake."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App

from stacks.settings import Settings
from stacks.storage import StorageStack
from stacks.sync.stack import SyncStack


def add_sync(app: App, settings: Settings, storage: StorageStack, root: Path) -> SyncStack | None:
    """Add the stack to the app; return None if it is off."""
    if settings.sync is None:
        return None
    return SyncStack(
        app, f"{settings.name}-sync", settings=settings, sync=settings.sync, storage=storage, root=root
    )
