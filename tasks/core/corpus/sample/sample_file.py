"""One Parquet file of a sample, as its footer describes it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SampleFile:
    """One Parquet file of a sample, its own or converted from text, from its footer alone."""

    path: str
    name: str
    """The fingerprint knows the file by this path below `sample_root`."""
    row_groups: tuple[int, ...]
    """The file's row groups have so many rows each."""
    digest: str
    """This is the sha256 of the file's footer and size."""
    id_type: str
    """Ids are of this type; empty where the file has none."""
    changed_ns: int
    """The file has this time of change (nanoseconds of the epoch); 0 stands for any time, of one that was converted
    from text: its footer names its source's sha256."""

    @property
    def rows(self) -> int:
        """Rows of the file."""
        return sum(self.row_groups)
