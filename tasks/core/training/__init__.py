"""Seeds and their selection."""
