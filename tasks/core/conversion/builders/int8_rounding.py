"""How a layer's input and weights become int8 with the least error in its output, before anything is taught.

1. The input is centred and scaled by channel, so that outlying channels do not take the range of all others; weights
   and biases undo it (Xiao et al., 2023, SmoothQuant; Wei et al., 2023, Outlier Suppression+). How far channels are
   brought to one range is what leaves the least error in the layer's output. The range reaches to the largest value:
   cut ranges have a smaller error on average, and rank worse.
2. Weights are rounded one input channel after the other, the rest making up for the error (Frantar et al., 2023, GPTQ).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

SEARCHED_TOKENS, SEARCHED_OUTPUTS = 1_024, 256
"""At most so many tokens, and so many of a layer's outputs, decide how its input is rounded."""
EXPONENTS = (0.0, 0.5, 0.65, 0.8, 0.9)
"""Channels are brought to one range as far as each of these says: 0 not at all, 1 wholly."""
DAMPING = 0.01
BLOCK = 128
TINY = 1e-8


@dataclass(frozen=True)
class Rounding:
    """How a layer's input becomes int8: (input - centre) / scale, in steps."""

    centre: Tensor
    scale: Tensor
    step: float

    def spread(self, inputs: Tensor) -> Tensor:
        """Return centred and scaled inputs."""
        return (inputs - self.centre) / self.scale

    def rounded(self, inputs: Tensor) -> Tensor:
        """Return the same, rounded."""
        return (self.spread(inputs) / self.step).round().clamp(-128, 127) * self.step


def best_rounding(inputs: Tensor, weight: Tensor) -> Rounding:
    """Return the rounding of `inputs` (tokens, channels) that changes the outputs of `weight` least."""
    low, high = inputs.amin(0), inputs.amax(0)
    centre, radius = (low + high) / 2, ((high - low) / 2).clamp(min=TINY)
    reach = weight.abs().amax(0).clamp(min=TINY)
    some, outputs = inputs[:: -(-len(inputs) // SEARCHED_TOKENS)], weight[:: -(-len(weight) // SEARCHED_OUTPUTS)]
    wanted = (some - centre) @ outputs.T
    found = []
    for exponent in EXPONENTS:
        scale = radius**exponent / reach ** (1 - exponent) if exponent else torch.ones_like(radius)
        scale = scale / scale.mean()
        largest = float((radius / scale).max())
        rounded = _round(outputs * scale, weight_steps(outputs * scale))
        rounding = Rounding(centre, scale, largest / 127)
        found.append((float((rounding.rounded(some) @ rounded.T - wanted).square().mean()), rounding))
    return min(found, key=lambda pair: pair[0])[1]


def weight_steps(weight: Tensor) -> Tensor:
    """Return the step of each output of `weight` (outputs, channels), of shape (outputs,)."""
    return weight.detach().abs().amax(1).clamp(min=TINY) / 127


def _round(weight: Tensor, steps: Tensor) -> Tensor:
    return (weight / steps[:, None]).round().clamp(-127, 127) * steps[:, None]


def round_in_turn(weight: Tensor, products: Tensor) -> Tensor:
    """Round `weight` (outputs, channels) channel by channel, given the inputs' products (channels, channels)."""
    steps = weight_steps(weight)
    order = products.diag().argsort(descending=True, stable=True)
    left = weight[:, order].clone()
    inverse = _inverse_factor(products[order][:, order])
    rounded = torch.zeros_like(left)
    for start in range(0, left.shape[1], BLOCK):
        end = min(start + BLOCK, left.shape[1])
        errors = torch.zeros(len(left), end - start)
        for channel in range(start, end):
            rounded[:, channel] = _round(left[:, channel : channel + 1], steps)[:, 0]
            error = (left[:, channel] - rounded[:, channel]) / inverse[channel, channel]
            left[:, channel:end] -= error[:, None] * inverse[channel, channel:end]
            errors[:, channel - start] = error
        left[:, end:] -= errors @ inverse[start:end, end:]
    return rounded[:, order.argsort()]


def _inverse_factor(products: Tensor) -> Tensor:
    """Return the upper Cholesky factor of the inverse of `products`, damped to be invertible."""
    damped = products + torch.eye(len(products)) * products.diag().mean() * DAMPING
    factor: Tensor = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(damped)), upper=True)
    return factor
