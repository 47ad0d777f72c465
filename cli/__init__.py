"""The `activation` command."""

import sys
from pathlib import Path

# `python -m cli` must work in a checkout where only requirements.txt is installed. An installed wheel has no such
# folder: there the library is a package beside this one.
_LIBRARY = Path(__file__).resolve().parent.parent / "layers" / "activation" / "python"
if _LIBRARY.is_dir():
    sys.path.insert(0, str(_LIBRARY))
