"""Where a run stands, for people."""
