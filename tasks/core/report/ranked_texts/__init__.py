"""The best texts of a run for people: in a terminal, as CSV, as a page to browse, in Markdown."""
