"""The `winnow` command's subcommands."""
