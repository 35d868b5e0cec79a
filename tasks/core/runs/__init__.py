"""The run folder: its plan, its shards' receipts, its manifest."""
