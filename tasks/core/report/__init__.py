"""The round's report: one page that holds all that is known of a round, from files alone."""
