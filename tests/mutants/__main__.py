"""Run the list of mutants and print what became of each: `python -m tests.mutants [WORD ...]`.

With words only those whose file or description contains one of them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.mutants.mutants import Stale, load
from tests.mutants.runs import Copy, Untrustworthy

PROJECT = Path(__file__).parents[2]


def main(words: list[str]) -> int:
    """Return the exit code: 1 if a mutant survives without a reason, or the list no longer fits the code."""
    mutants = [one for one in load() if not words or any(word in f"{one.file} {one.what}" for word in words)]
    if not mutants:
        sys.exit(f"no mutant is about {', '.join(words)}")
    wrong = 0
    try:
        for one in mutants:
            one.check(PROJECT)
        with Copy.of(PROJECT) as copy:
            copy.check(mutants)
            _say("the tests pass without a mutant, and fail in a copy that is broken")
            for at, one in enumerate(mutants, start=1):
                began = time.monotonic()
                result = copy.run(one)
                wrong += not result.is_as_listed
                place = one.file.rpartition("python/")[2]
                _say(f"{at:3} {result} ({time.monotonic() - began:.0f} s)  {place}: {one.what}")
                if one.survives:
                    _say(f"      {one.survives}")
    except (Stale, Untrustworthy) as error:
        sys.exit(str(error))
    _say(f"{len(mutants)} mutants, {len(mutants) - wrong} as listed, {wrong} not")
    return 1 if wrong else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
