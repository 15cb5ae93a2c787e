"""Spectral normalisation: applied by torch, folded once a generator is frozen, re-estimated after its weights were averaged."""

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm


def normalised(module: nn.Module, enabled: bool = True, eps: float = 1e-4) -> nn.Module:
    """``module`` with its weight divided by its largest singular value (BigGAN, section 3; SN-GAN, equation 8).

    The state dict keeps torch's unfolded names: ``parametrizations.weight.original``, ``parametrizations.weight.0._u`` and ``._v``.

    Args:
        module: A convolution, linear layer or embedding.
        enabled: False returns the module as it is.
        eps: The least norm the vectors u, v are divided by. BigGAN uses 1e-4, torch 1e-12.
    """
    return spectral_norm(module, eps=eps) if enabled else module


def unnormalised_weight(module: nn.Module) -> nn.Parameter:
    """The trained parameter behind ``module.weight``, whether or not it is normalised."""
    return module.parametrizations.weight.original if parametrize.is_parametrized(module, 'weight') else module.weight


@torch.no_grad()
def orthogonal_init(model: nn.Module) -> None:
    """Orthogonal weights, zero biases (BigGAN, appendix C), and the spectral norms' vectors brought up to date."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding):
            weight = unnormalised_weight(module)
            weight.copy_(nn.init.orthogonal_(torch.empty(weight.shape)))  # orthogonal_ takes contiguous tensors only
            if getattr(module, 'bias', None) is not None:
                module.bias.zero_()
    reestimate_spectral_norm(model, iterations=15)


def _normalised_modules(model: nn.Module) -> list[nn.Module]:
    return [module for module in model.modules() if parametrize.is_parametrized(module, 'weight')]


@torch.no_grad()
def largest_singular_values(model: nn.Module) -> torch.Tensor:
    """The exact largest singular value of every normalised weight as the model uses it in eval mode.

    Returns:
        float64 (number of normalised weights,); 1 where u, v belong to the weight.
    """
    was_training = model.training
    model.eval()
    sigmas = [torch.linalg.matrix_norm(module.weight.flatten(1).double(), ord=2) for module in _normalised_modules(model)]
    model.train(was_training)
    return torch.stack(sigmas) if sigmas else torch.zeros(0, dtype=torch.float64)


@torch.no_grad()
def reestimate_spectral_norm(model: nn.Module, iterations: int = 300) -> None:
    """Run the power iteration for the weights as they are now.

    An average of weights leaves u, v of the last training step behind, and an average of u, v is no singular vector of anything
    (sigma far from 1). Works in place.
    """
    was_training = model.training
    model.train()
    for module in _normalised_modules(model):
        for _ in range(iterations):
            module.weight  # noqa: B018  in train mode each access runs one iteration
    model.train(was_training)


def fold_spectral_norm(model: nn.Module) -> nn.Module:
    """Replace every normalised weight by W / sigma as eval mode computes it; for frozen models, in place.

    The output in eval mode is equal bit by bit; the state dict then has plain names.
    """
    was_training = model.training
    model.eval()
    for module in _normalised_modules(model):
        parametrize.remove_parametrizations(module, 'weight', leave_parametrized=True)
    return model.train(was_training)
