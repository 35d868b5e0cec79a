"""Activations that ONNX Runtime computes and OpenVINO does not: what a base model that it cannot serve is made of.

As a program it is untrained_model.py with these known to transformers.
"""

import runpy

import torch
from torch import Tensor, nn
from transformers.activations import ACT2FN

from tasks.core.conversion.rehearsal import PROGRAM


class Determinant(nn.Module):
    """Tanh, by way of an operation that OpenVINO has none for."""

    def forward(self, vectors: Tensor) -> Tensor:
        """Take the determinant of matrices of one number each."""
        return torch.tanh(torch.linalg.det(vectors[..., None, None]))


class Hashed(nn.Module):
    """Tanh, with signs hashed in 64 bits, of which OpenVINO computes 32."""

    def forward(self, vectors: Tensor) -> Tensor:
        """Scale by the remainder of a large product."""
        return torch.tanh(vectors) * ((vectors * 1_000).long() * 3_000_000_019 % 7).float()


ODD = {"determinant": Determinant, "hashed": Hashed}

if __name__ == "__main__":
    ACT2FN.update(ODD)
    runpy.run_module(PROGRAM, run_name="__main__")
