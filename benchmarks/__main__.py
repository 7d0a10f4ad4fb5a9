"""`python -m benchmarks`: what can be measured, and its measuring."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # workloads and scripts find each other as they lie here

from measuring.command import main

if __name__ == "__main__":
    sys.exit(main())
