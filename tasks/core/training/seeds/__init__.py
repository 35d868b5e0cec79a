"""One study: its seeds, how they compare, and which is selected."""
