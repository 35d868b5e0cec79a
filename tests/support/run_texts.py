"""The 97 texts that `make_run` scores in three shards: two are missing, two empty, two repeated, one too long."""

from tests.support.tiny import make_sentences

TEXTS = [*make_sentences(90, seed=7), None, "", "same text", "", None, "same text", " ".join(["word1"] * 90)]
