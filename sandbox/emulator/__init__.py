"""The AWS emulator (MiniStack, https://pypi.org/project/ministack/), started with the gaps that matter closed.

Nothing of the package is copied or changed on disk: each module of this folder replaces a few of its names at
start. Every replaced name is checked first, so an upgrade that moves one stops the start instead of silently
reopening the gap.
"""
