"""What Winnow does, in plain Python: no Prefect, Dask or MLflow."""
