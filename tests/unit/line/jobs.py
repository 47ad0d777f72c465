"""A tool that writes the files of a folder, as the tests of folders play it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from activation.ledger.folders import Folder, Folders
from activation.model import Action
from activation.runs.settings import FolderTimes

from tests.unit.line.world import World, people, table

Make = Callable[..., World]
ALL = tuple(Action)
LATE_S, OPEN_S = 900, 6 * 3600


class Job:
    """A tool that writes an export into a folder, one object a second."""

    def __init__(self, world: World, folder: str = "run-7/", *, action: str = "", quiet_s: int = 0) -> None:
        self.world = world
        self.base = f"{world.name}/vip/raw/{action + '/' if action else ''}"
        self.folder = self.base + folder
        world.settings = replace(world.settings, folders=FolderTimes(quiet_s=quiet_s))
        world.restart()

    def put(self, name: str, text: str | bytes = "") -> str:
        """Put an object below the folder; returns its event."""
        self.world.clock.pass_s(1)
        return self.world.event(self.world.put(text, self.folder + name))

    def parts(self, *cuts: int, start: int = 0) -> list[str]:
        """Put files of people, numbered from 1; returns their events."""
        ends = list(cuts)
        begins = [start, *ends[:-1]]
        return [
            self.put(f"part-{begin}", table(people(end - begin, start=begin + 1)))
            for begin, end in zip(begins, ends, strict=True)
        ]

    def manifest(self, *names: str, name: str = "manifest") -> str:
        """Put a manifest; returns its event."""
        entries = [{"url": f"s3://drops/{self.folder}{one}"} for one in names]
        return self.put(name, json.dumps({"entries": entries}))

    def record(self) -> Folder:
        """Return the folder's record."""
        folders: Folders = self.world.connector.connector.folders
        return folders.read(folders.key("drops", self.folder, ""))

    def told(self) -> list[str]:
        """Return the kinds of the events on the app's bus."""
        return [one["DetailType"] for one in self.world.events]
