"""Commands that read scores: of run folders with their texts, and what is published to Redis."""
