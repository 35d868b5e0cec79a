"""The search for batch size and learning rate before the seeds."""
