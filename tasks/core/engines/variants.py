"""The ways to run a model: which runtime, in which number format, on which device."""

from dataclasses import dataclass
from typing import Literal

from tasks.core.base.cpu import BF16_FLAGS, cpu_features

Runtime = Literal["onnxruntime", "openvino"]
Precision = Literal["f32", "bf16", "f16"]
OPENVINO = "openvino-"
"""The names of OpenVINO's variants begin so."""
CPU_PROVIDER = "CPUExecutionProvider"
CUDA_PROVIDER = "CUDAExecutionProvider"


@dataclass(frozen=True)
class Variant:
    """One way to run a graph file."""

    name: str
    runtime: Runtime
    precision: Precision
    """Every operation that the graph does not quantise to int8 runs in this precision."""
    quantised: bool = False
    """A quantised graph holds int8 operations, in a file of its own; any other is the fp32 graph."""
    provider: str = CPU_PROVIDER
    """ONNX Runtime must use this provider, which is asserted after the session is made."""


FP32 = Variant("onnxruntime-fp32", "onnxruntime", "f32")
DYNAMIC_INT8 = Variant("onnxruntime-dynamic-int8", "onnxruntime", "f32", quantised=True)
STATIC_INT8 = Variant("onnxruntime-static-int8", "onnxruntime", "f32", quantised=True)
OPENVINO_BF16 = Variant("openvino-bf16", "openvino", "bf16")
CUDA_FP16 = Variant("onnxruntime-cuda-fp16", "onnxruntime", "f16", provider=CUDA_PROVIDER)


def openvino_int8(suffix: str = "") -> Variant:
    """Return an int8 variant of OpenVINO; what is not int8 runs in bf16 where this CPU has it, else in fp32."""
    return Variant(f"openvino-int8{suffix}", "openvino", "bf16" if has_bf16() else "f32", quantised=True)


def has_bf16() -> bool:
    """Say whether this CPU multiplies bf16 matrices itself; OpenVINO would else fall back to fp32 in silence."""
    return bool(BF16_FLAGS & set(cpu_features()))
