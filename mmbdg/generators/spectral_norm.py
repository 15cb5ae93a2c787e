"""Spectral normalisation: apply it, fold it into the weights of a frozen generator, re-estimate it after weight averaging."""

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm


def normalised(module: nn.Module, enabled: bool = True, eps: float = 1e-4) -> nn.Module:
    """Divide the weight of a module by its largest singular value (BigGAN, section 3; SN-GAN, equation 8).

    The state dict has torch's names: ``parametrizations.weight.original``, ``parametrizations.weight.0._u`` and ``._v``.

    Args:
        module: Convolution, linear layer or embedding.
        enabled: Whether to normalise; False returns the module unchanged. Default True.
        eps: Lower bound of the norm by which the vectors u and v are divided; default 1e-4, as in BigGAN (torch: 1e-12).
    """
    return spectral_norm(module, eps=eps) if enabled else module


def unnormalised_weight(module: nn.Module) -> nn.Parameter:
    """Trained parameter of ``module.weight``, before spectral normalisation if there is one."""
    return module.parametrizations.weight.original if parametrize.is_parametrized(module, 'weight') else module.weight


@torch.no_grad()
def orthogonal_init(model: nn.Module) -> None:
    """Initialise weights orthogonally and biases with zero (BigGAN, appendix C), and update the vectors of the spectral norms."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding):
            weight = unnormalised_weight(module)
            weight.copy_(nn.init.orthogonal_(torch.empty(weight.shape)))  # orthogonal_ accepts only contiguous tensors
            if getattr(module, 'bias', None) is not None:
                module.bias.zero_()
    reestimate_spectral_norm(model, iterations=15)


def _normalised_modules(model: nn.Module) -> list[nn.Module]:
    return [module for module in model.modules() if parametrize.is_parametrized(module, 'weight')]


@torch.no_grad()
def largest_singular_values(model: nn.Module) -> torch.Tensor:
    """Exact largest singular value of every spectrally normalised weight in eval mode.

    Returns:
        float64 (number of normalised weights,); 1 where the vectors u, v belong to the current weight.
    """
    was_training = model.training
    model.eval()
    sigmas = [torch.linalg.matrix_norm(module.weight.flatten(1).double(), ord=2) for module in _normalised_modules(model)]
    model.train(was_training)
    return torch.stack(sigmas) if sigmas else torch.zeros(0, dtype=torch.float64)


@torch.no_grad()
def reestimate_spectral_norm(model: nn.Module, iterations: int = 300) -> None:
    """Run the power iteration for the current weights, in place.

    After weight averaging, u and v belong to the last training step or are averages, which are not singular vectors of the averaged
    weight (sigma is far from 1).
    """
    was_training = model.training
    model.train()
    for module in _normalised_modules(model):
        (norm,) = module.parametrizations.weight
        usual, norm.n_power_iterations = norm.n_power_iterations, iterations
        module.weight  # noqa: B018  in train mode each access runs the iterations
        norm.n_power_iterations = usual
    model.train(was_training)


def fold_spectral_norm(model: nn.Module) -> nn.Module:
    """Replace every normalised weight by W / sigma as computed in eval mode; in place, for frozen models.

    The output in eval mode is bit-identical; the state dict then has the plain parameter names.
    """
    was_training = model.training
    model.eval()
    for module in _normalised_modules(model):
        parametrize.remove_parametrizations(module, 'weight', leave_parametrized=True)
    return model.train(was_training)
