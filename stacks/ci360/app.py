"""Adds the stack of SAS CI360, if the settings ask for it."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App

from stacks.ci360.stack import Ci360Stack
from stacks.settings import Settings
from stacks.storage import StorageStack


def add_ci360(app: App, settings: Settings, storage: StorageStack, root: Path) -> Ci360Stack | None:
    """Add the stack to the app; return None if there is no section `ci360`."""
    if settings.ci360 is None:
        return None
    return Ci360Stack(
        app, f"{settings.name}-ci360", settings=settings, ci360=settings.ci360, storage=storage, root=root
    )
