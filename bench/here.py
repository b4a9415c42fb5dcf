"""Where things are in the repository; importing this makes its Python package importable."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SMOKE = ROOT / "e2e/smoke"

sys.path.append(str(ROOT / "tools"))
