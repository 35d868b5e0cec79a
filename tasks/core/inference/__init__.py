"""Sample + engine models -> scores."""
