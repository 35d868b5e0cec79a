"""The sections of the page: each gathers its facts as plain values for the template of its name."""
