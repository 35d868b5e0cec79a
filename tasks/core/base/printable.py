"""Text for a terminal: a control character in a text, a file's name or an id moves no cursor and sets no title."""

LAYOUT = "\n\t"


def printable(text: str, keep: str = LAYOUT) -> str:
    """Return the text with every character that does not print as an escape, but for those of `keep`."""
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode() for char in text
    )


def on_one_line(text: str) -> str:
    """Return the text with line breaks and tabs as escapes, too."""
    return printable(text, keep="")
