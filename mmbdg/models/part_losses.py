"""Loss of a joint batch: one method for each part."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mmbdg.errors import InputError
from mmbdg.interpreter.early_gradient import losses_with_gradient_now
from mmbdg.parts import differing_parts


class PartLosses:
    """Mixin for models that are trained on the parts of a :class:`~mmbdg.datasets.JointDataset`. It precedes the model's base class.

    .. code-block:: python

        class JointWithAuxiliary(JointDenseCL):
            part_losses = JointDenseCL.part_losses | dict(aux='aux_loss')

            def aux_loss(self, inputs, data_samples):
                return {f'aux.{key}': value for key, value in self.aux_head.loss(...).items()}
    """

    part_losses: ClassVar[Mapping[str, str]] = {}
    """For each part the name of the method that computes its losses from the part's ``inputs`` and ``data_samples``.

    The methods run in this order. The keys of their losses must differ; mmengine adds up all whose key contains "loss".
    """

    def loss(self, inputs: Mapping[str, Any], data_samples: Mapping[str, Any]) -> dict[str, Tensor]:
        """The losses of all parts.

        The graph of a part is freed before the next part builds its own, so the peak of memory is that of the largest part; see
        :func:`must_keep_all_graphs` for the exceptions.

        Args:
            inputs, data_samples: By part, as :class:`~mmbdg.models.JointDataPreprocessor` returns them.

        Raises:
            InputError: The batch has other parts than ``part_losses``, or two parts name a loss equally.
        """
        if problem := differing_parts(inputs, 'the batch', self.part_losses, type(self).__name__):
            raise InputError(problem)
        losses: dict[str, Tensor] = {}
        last = list(self.part_losses)[-1]
        for name, method in self.part_losses.items():
            found = getattr(self, method)(inputs[name], data_samples[name])
            if name != last and not must_keep_all_graphs():
                found = losses_with_gradient_now(found, list(self.parameters()))
            if twice := losses.keys() & found.keys():
                raise InputError(f'the part "{name}" has the loss "{min(twice)}", which another part has too: rename it in {method}')
            losses |= found
        return losses


def must_keep_all_graphs() -> bool:
    """Whether the graphs of all parts have to stay until the backward pass of the sum.

    True under float16, where gradients underflow unless the scaler multiplies the loss before the backward pass, and under
    ``torch.compile``, which cannot trace a gradient inside the forward pass.
    """
    half = torch.is_autocast_enabled('cuda') and torch.get_autocast_dtype('cuda') == torch.float16
    return half or torch.compiler.is_compiling()


def parts_of_model(model: nn.Module) -> Mapping[str, str]:
    """``part_losses`` of a model; empty for a model that takes no parts."""
    return getattr(model, 'part_losses', {})
