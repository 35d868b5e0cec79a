"""Files of answers: read, understood row by row, imported, and taken back."""
