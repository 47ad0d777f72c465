"""The AWS emulator (MiniStack, https://pypi.org/project/ministack/), started with the gaps that matter closed.

Nothing of the package is copied or changed on disk: each module of this folder replaces a few names in it at
start. Every such place is checked first, so an upgrade that moves one stops the start instead of quietly giving
back the gap.
"""
