"""`python -m parcours.testing.faults`: simulated faults (command.py), with `--processes` those of real ones."""

import sys

from parcours.testing.faults.command import main
from parcours.testing.faults.processes.command import main as main_of_processes

if sys.argv[1:2] == ["--processes"]:
    sys.exit(main_of_processes(sys.argv[2:]))
sys.exit(main())
