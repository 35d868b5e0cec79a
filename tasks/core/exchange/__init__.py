"""Labelling batches out, labellers' answers in, and what becomes of them: a snapshot of labels and the next round."""
