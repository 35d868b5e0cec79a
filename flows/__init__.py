"""Order, fan-out and names: no torch, no MLflow, no SQL."""
