"""Authentication at ad platforms, which `platforms.authentication` declares as data and signers carry out.

Import from the modules: this one stays empty, so that none of their libraries is loaded without need.
"""
