"""Thin Prefect tasks over tasks.core."""
