"""Check a folder of synthesised templates and print a line for each checker: `python -m checks`.

cdk-nag has run at the synth, which fails on a finding; cfn-lint and checkov run here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from checks import nag, templates


def lint(program: str, folder: Path) -> str:
    """Run cfn-lint over the templates; return its line. Ends the program with what it found."""
    files = sorted(str(one) for one in folder.glob("*.template.json"))
    done = subprocess.run([program, *files], capture_output=True, text=True, check=False)
    if done.returncode or not files:
        sys.exit(done.stdout + done.stderr or f"no templates in {folder}")
    return f"cfn-lint: 0 findings in {len(files)} templates"


def main() -> None:
    """Exit 1 with what was found. Arguments: the programs checkov and cfn-lint, the folder of templates."""
    checkov, cfn_lint, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    report = json.loads((folder / nag.REPORT).read_text(encoding="utf-8"))
    lines = [*map(str, nag.count(report)), lint(cfn_lint, folder), templates.check(checkov, str(folder))]
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
