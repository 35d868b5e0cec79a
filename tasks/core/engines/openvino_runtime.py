"""A graph in OpenVINO: the encoder in the variant's number format, the classification head always in fp32.

The head reads one vector a text, so its format costs nothing; in bf16 it alone would make half of the logits' error.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from tasks.core.base.errors import MachineError
from tasks.core.base.threads import cpu_threads
from tasks.core.engines.variants import Variant

CACHED_KERNELS = 128
"""OpenVINO keeps so many kernels, several for each shape of a batch. Its own 5,000 cost an int8 MiniLM 450 MiB more for
250 shapes; a shard's batches come by length, so that a shape's kernels are wanted again at once or a shard later."""
VECTORS = "vectors"
"""The head's graph reads what the encoder's gives by this name."""
TEXT_RANK = 2
"""Tensors of this rank hold one vector a text; the encoder's hold one a token, and have a higher rank."""


def open_openvino(path: Path, variant: Variant) -> Callable[..., NDArray[np.float32]]:
    """Open a graph as a function of token ids and attention mask that gives logits.

    Raises:
        MachineError: this CPU would run it in another number format.
    """
    core = openvino.Core()
    encoder, head = _split(core, path)
    encode = _compile(core, encoder, variant.precision, path)
    classify = _compile(core, head, "f32", path)
    return partial(_run, encode, classify)


def _run(encode: Any, classify: Any, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
    tokens = {"input_ids": ids, "attention_mask": mask}
    known = tokens | {VECTORS: encode.infer(tokens)[0]}
    given = {port: known[name] for port in classify.model_inputs for name in port.names & known.keys()}
    return np.array(classify.infer(given)[0], dtype=np.float32)


def _split(core: Any, path: Path) -> tuple[Any, Any]:
    """Part the graph where the first token's vector is taken out of the encoder's."""
    first = core.read_model(str(path))
    second = first.clone()
    encoder = openvino.Model([_pooled(first)], first.get_parameters())
    cut = _pooled(second)
    vectors = openvino.opset13.parameter(cut.get_partial_shape(), np.float32, name=VECTORS)
    vectors.output(0).set_names({VECTORS})
    for reader in cut.get_target_inputs():
        reader.replace_source_output(vectors.output(0))
    return encoder, openvino.Model(second.get_results(), [vectors, *_still_read(second)])


def _still_read(model: Any) -> list[Any]:
    """Return the token ids and the mask, where the head reads them: to average over a text, or find its end."""
    reached, todo = set(), [result.input_value(0).get_node() for result in model.get_results()]
    while todo:
        node = todo.pop()
        if node.get_friendly_name() not in reached:
            reached.add(node.get_friendly_name())
            todo += [value.get_node() for value in node.input_values()]
    return [each for each in model.get_parameters() if each.get_friendly_name() in reached]


def _pooled(model: Any) -> Any:
    """Return the first output on the way up from the logits that is made from one vector a token.

    Raises:
        MachineError: there is none, so this is no text classifier.
    """
    output = model.get_results()[0].input_value(0)
    while True:
        node = output.get_node()
        inputs = [each for each in node.input_values() if each.get_node().get_type_name() != "Constant"]
        if not inputs:
            raise MachineError("the graph has no place where one vector a text is made of one a token")
        if inputs[0].get_partial_shape().rank.get_length() > TEXT_RANK:
            return output
        output = inputs[0]


def _compile(core: Any, model: Any, precision: str, path: Path) -> Any:
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": cpu_threads(),
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # else every worker of a node takes the same cores
        "CPU_RUNTIME_CACHE_CAPACITY": CACHED_KERNELS,
    }
    compiled = core.compile_model(model, "CPU", settings)
    granted = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    if granted != precision:
        raise MachineError(
            f"{path} needs {precision}, but OpenVINO runs it in {granted} on this CPU. Convert the model on the kind "
            "of machine that scores, or set inference.fall_back_to_fp32 in the round file."
        )
    return compiled.create_infer_request()
