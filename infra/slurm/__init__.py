"""Any SLURM: the script of a job, the cluster of jobs, SLURM's own commands."""
