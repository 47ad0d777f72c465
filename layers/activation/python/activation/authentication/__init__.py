"""Authentication at ad platforms, declared as data in `platforms.authentication` and carried out by signers.

Import from the modules: this file stays empty, so that their libraries are only loaded when needed.
"""
