"""Prefect server, MLflow server and worker as ordinary processes."""
