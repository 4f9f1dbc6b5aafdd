"""Keyed, counter-based random numbers: every draw has an address, so that nothing disturbs anything else."""
