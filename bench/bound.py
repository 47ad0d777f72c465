"""Run a command on the given cores only: `bound.py 0,1 command ...`."""

import os
import sys

if __name__ == "__main__":
    os.sched_setaffinity(0, {int(core) for core in sys.argv[1].split(",")})
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  the bench's own command
