"""Authentication at ad platforms: declared as data in `spec`, done by the signers that `signers` makes.

Import what you need from the modules: this one stays empty, so that `spec` can be read without their libraries.
"""
