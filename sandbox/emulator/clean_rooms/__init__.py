"""A simulator of AWS Clean Rooms' protected queries, which the emulator lacks: real SQL over tables of a test's.

`POST /_clean_rooms` makes memberships, `GET /_clean_rooms` returns every query that was started.
"""
