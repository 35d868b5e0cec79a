"""Sections of a round whose gate needs few labels, and answers for its batches."""

LOOP = {
    "evaluation": {
        "rank_sample": {"ranks": 4, "texts_a_rank": 20, "largest_rank": 60},
        "precision_at": [20, 50],
        "gate": {"precision_at": {20: 0.1, 50: 0.2}},
        "calibration": {"bootstraps": 100},
    },
    "sampling": {
        "top": 100,
        "exploit_texts": 6,
        "explore": {"motifs": 1, "texts": 2, "random_texts": 200, "least_texts": 3},
        "random_texts": 5,
    },
}


def true_down_to(rank):
    """Return the answer to an exported row: yes down to this rank."""
    return lambda row: "yes" if int(row["rank"]) <= rank else "no"
