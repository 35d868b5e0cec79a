"""Clusters and services."""
