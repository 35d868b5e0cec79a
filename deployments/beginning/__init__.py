"""`winnow init`: from one's own files to a round file that can be deployed."""
