"""What MLflow holds: runs, registered versions, their files. Here alone mlflow is imported."""
