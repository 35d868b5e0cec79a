"""Convert the rated texts of vaderSentiment 3.3.2 into the demo's two Parquet files.

Run once, by hand; the results are committed:

    pip download --no-deps --no-binary :all: vaderSentiment==3.3.2
    python -m deployments.demo.make_data vaderSentiment-3.3.2.tar.gz deployments/demo/data

Reads   additional_resources/hutto_ICWSM_2014.tar.gz inside the archive: four files of
        id, mean valence and text, parted by tabs
Writes  labelled.parquet         tweet_id, text, valence, positive, negative, split (blank: in none)
        sample/<source>.parquet  tweet_id, text (every text that is not a training or validation tweet)
"""

import hashlib
import html
import io
import sys
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ARCHIVE_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
INNER_ARCHIVE = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
SOURCES = {
    "tweets": "tweets_GroundTruth.txt",
    "amazon": "amazonReviewSnippets_GroundTruth.txt",
    "movies": "movieReviewSnippets_GroundTruth.txt",
    "nyt": "nytEditorialSnippets_GroundTruth.txt",
}
TRAIN_ROWS = 600
VALIDATION_ROWS = 400
TEST_ROWS = 1_200
SPLIT_SEED = 20140601
SAMPLE_ROW_GROUP_ROWS = 1_000


def read_source(archive: tarfile.TarFile, source: str) -> pa.Table:
    """Read one rated file as `tweet_id` (source and number), `text` and `valence`."""
    member = archive.extractfile(f"hutto_ICWSM_2014/{SOURCES[source]}")
    if member is None:
        raise SystemExit(f"{SOURCES[source]} is not in the archive")
    lines = member.read().decode("utf-8-sig").splitlines()
    rows = [line.split("\t", 2) for line in lines]
    return pa.table(
        {
            "tweet_id": [f"{source}-{number}" for number, _, _ in rows],
            "text": [html.unescape(text.strip()) for _, _, text in rows],
            "valence": [float(valence) for _, valence, _ in rows],
        }
    )


def assign_splits(texts: list[str]) -> list[str | None]:
    """Give each tweet a split or none; equal texts always share one, so that none leaks."""
    distinct = sorted(set(texts))
    order = np.random.default_rng(SPLIT_SEED).permutation(len(distinct))
    rank = {distinct[index]: position for position, index in enumerate(order)}
    bounds = np.cumsum([TRAIN_ROWS, VALIDATION_ROWS, TEST_ROWS])
    names = ("train", "validation", "test", None)
    return [names[int(np.searchsorted(bounds, rank[text], side="right"))] for text in texts]


def label_tweets(tweets: pa.Table) -> pa.Table:
    """Add the split and the two labels: positive (mean >= 1) and negative (mean <= -1)."""
    valence = tweets["valence"].to_numpy()
    return (
        tweets.append_column("positive", pa.array((valence >= 1).astype(np.int8)))
        .append_column("negative", pa.array((valence <= -1).astype(np.int8)))
        .append_column("split", pa.array(assign_splits(tweets["text"].to_pylist())))
    )


def main(archive_path: Path, folder: Path) -> None:
    """Verify the archive and write the Parquet files into `folder`."""
    content = archive_path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != ARCHIVE_SHA256:
        raise SystemExit(f"{archive_path} has sha256 {digest}, expected {ARCHIVE_SHA256}")
    with tarfile.open(fileobj=io.BytesIO(content)) as outer:
        inner = outer.extractfile(INNER_ARCHIVE)
        with tarfile.open(fileobj=inner) as archive:
            tables = {source: read_source(archive, source) for source in SOURCES}
    labelled = label_tweets(tables.pop("tweets"))
    seen = pc.is_in(labelled["split"], pa.array(["train", "validation"]))
    unseen = labelled.filter(pc.invert(seen))
    (folder / "sample").mkdir(parents=True, exist_ok=True)
    pq.write_table(labelled, folder / "labelled.parquet", compression="zstd")
    for source, table in {"tweets": unseen, **tables}.items():
        pq.write_table(
            table.select(["tweet_id", "text"]),
            folder / "sample" / f"{source}.parquet",
            compression="zstd",
            row_group_size=SAMPLE_ROW_GROUP_ROWS,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
