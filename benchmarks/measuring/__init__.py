"""What all workloads share: their shape, how a round is measured and checked, and how results are kept and compared."""
