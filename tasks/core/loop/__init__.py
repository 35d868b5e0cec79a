"""A round from its data to its batch as one row of steps: what each follows from, which are done, how it ended."""
