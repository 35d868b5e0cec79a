"""What this machine's CPU can do, as far as it changes a model's scores."""

from functools import cache
from pathlib import Path

BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
FP16_FLAGS = frozenset({"avx512_fp16", "amx_fp16"})
INT8_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})
RELEVANT_FLAGS = BF16_FLAGS | FP16_FLAGS | INT8_FLAGS | {"avx2", "fma", "avx512f", "avx512bw"}
"""Matrix libraries choose their kernels by these instruction sets."""


@cache
def cpu_features() -> tuple[str, ...]:
    """Return the instruction sets of this CPU that decide how matrices are multiplied, sorted."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith(("flags", "Features")):
            return tuple(sorted(RELEVANT_FLAGS.intersection(line.split(":", 1)[1].split())))
    return ()


def processor_name() -> str:
    """Return the CPU's name as the kernel gives it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
