"""Cluster profiles: YAML files, and what they may say."""
