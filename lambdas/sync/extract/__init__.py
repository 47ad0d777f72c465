"""Extraction: the people that a declaration selects, from a database or a lake into the files of a drop."""
