"""Every name that Winnow gives to rounds, models, aliases, files, folders and artifacts: made and parsed here only.

A run folder's places are put together from these in tasks/core/runs/folder.py. tests/test_names.py fails where another
module spells a name.
"""
