"""Runs flows in a process that a drill may kill: python -m tests.drills.start_flow '[["inference", {}]]'."""

import json
import sys

from flows.conversion import conversion
from flows.inference import inference
from flows.training import training

FLOWS = {"training": training, "conversion": conversion, "inference": inference}

if __name__ == "__main__":  # Dask's workers import this module, too
    for name, parameters in json.loads(sys.argv[1]):
        FLOWS[name](**parameters)
