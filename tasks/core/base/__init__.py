"""What everything else stands on: names, errors, files, threads."""
