"""`python -m parcours.testing.faults`: simulated faults (command.py), with `--processes` those of real ones, with
`--nodes` those of machines.
"""

import signal
import sys

from parcours.testing.faults.command import main
from parcours.testing.faults.nodes.command import main as main_of_nodes
from parcours.testing.faults.processes.command import main as main_of_processes

MAINS = {"--processes": main_of_processes, "--nodes": main_of_nodes}

signal.signal(signal.SIGTERM, signal.default_int_handler)  # what has been started is ended, as after an interrupt

if sys.argv[1:2] and sys.argv[1] in MAINS:
    sys.exit(MAINS[sys.argv[1]](sys.argv[2:]))
sys.exit(main())
