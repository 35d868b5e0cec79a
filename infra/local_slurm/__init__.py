"""A real SLURM on this machine: several nodes, loopback only, without systemd, for development and tests."""
