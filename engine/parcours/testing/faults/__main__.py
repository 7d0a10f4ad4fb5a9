"""`python -m parcours.testing.faults` (command.py)."""

import sys

from parcours.testing.faults.command import main

sys.exit(main())
