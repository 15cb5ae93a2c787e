"""LoRA adapters (Hu et al., 2021, arXiv 2106.09685) in the networks of a pipeline, by peft."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmbdg.errors import InputError, nearest
from mmbdg.generators.diffusers_parts import INSTALL_HINT
from mmbdg.schema import Schema, validated

ADAPTER = 'default'
"""Name of the adapter, that of peft and diffusers."""


class LoRA(Schema):
    """Keys of an adapter.

    Attributes:
        rank: Rank r of the update B A of each adapted layer, at least 1.
        alpha: The update is multiplied by alpha / rank. Default None: alpha = rank, a factor of 1.
        target_modules: Names of the adapted layers, or the ends of their names at a dot: "to_q" is each layer ``....to_q``.
        dropout: Probability of dropout on the input of the update, in [0,1). Default: 0.
    """

    rank: int
    target_modules: list[str]
    alpha: float | None = None
    dropout: float = 0.0


def need_peft(what: str) -> None:
    """Check that peft can be imported.

    Raises:
        InputError: It cannot; the message names the packages to install.
    """
    try:
        import peft  # noqa: F401
    except ImportError as error:
        raise InputError(f'{what} needs peft, which cannot be imported ({error}): {INSTALL_HINT}') from error


def add_adapter(network: nn.Module, keys: LoRA, where: str) -> dict[str, nn.Parameter]:
    """Freeze a network and add LoRA adapters to its layers, in place. At first they change nothing, because B is 0.

    transformers' own ``add_adapter`` asks for a later version of peft than the newest one, so peft's function is called directly.

    Args:
        network: U-Net or text encoder.
        keys: Checked config of the adapters.
        where: Place of the config, for messages.

    Returns:
        The parameters of the adapters by name: the only ones of the network that need gradients.

    Raises:
        InputError: A target is no layer that can be adapted.
    """
    from peft import LoraConfig, inject_adapter_in_model

    names = {name for name, module in network.named_modules() if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding)}
    ends = sorted({name.removesuffix('.0').rpartition('.')[2] + ('.0' if name.endswith('.0') else '') for name in names})
    for target in keys.target_modules:
        if not any(name == target or name.endswith(f'.{target}') for name in names):
            raise InputError(
                f'{where}.target_modules: {type(network).__name__} has no linear, convolution or embedding layer "{target}"'
                f'{nearest(target, ends)}; there are {", ".join(ends)}'
            )
    network.requires_grad_(False)
    alpha = keys.rank if keys.alpha is None else keys.alpha
    config = LoraConfig(r=keys.rank, lora_alpha=alpha, target_modules=list(keys.target_modules), lora_dropout=keys.dropout)
    try:
        inject_adapter_in_model(config, network, ADAPTER)
    except ValueError as error:  # raised by peft for a layer that it cannot adapt
        raise InputError(f'{where}: {" ".join(str(error).split())[:300]}') from error
    return {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}


def merge_adapter(network: nn.Module) -> nn.Module:
    """Add the updates to the weights and remove the adapters, in place: W + alpha / rank B A. Returns the network."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, module in list(network.named_modules()):
        if isinstance(module, BaseTunerLayer):
            module.merge()
            network.set_submodule(name, module.get_base_layer())
    del network.peft_config
    return network


def adapter_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Tensors of the adapters of a network, with the names that peft and diffusers give them in files."""
    from peft import get_peft_model_state_dict

    return {name: tensor.detach().cpu().contiguous() for name, tensor in get_peft_model_state_dict(network).items()}


def adapter_metadata(network: nn.Module) -> dict[str, Any]:
    """Config of the adapters of a network, as diffusers stores it beside the tensors."""
    return network.peft_config[ADAPTER].to_dict()


def adapter_keys(config: Any, where: str) -> LoRA:
    """Check the config of an adapter, see :class:`LoRA`.

    Raises:
        InputError: A key is unknown, missing or out of its range.
    """
    if not isinstance(config, Mapping):
        raise InputError(f"{where} is dict(rank=8, target_modules=['to_q', 'to_k', 'to_v', 'to_out.0']), got {config!r}")
    plain = dict(config)
    if isinstance(plain.get('target_modules'), tuple):
        plain['target_modules'] = list(plain['target_modules'])
    keys = LoRA(**validated(LoRA, plain, where))
    if keys.rank < 1 or not 0 <= keys.dropout < 1 or (keys.alpha is not None and keys.alpha <= 0) or not keys.target_modules:
        raise InputError(f'{where}: rank is at least 1, alpha above 0, dropout lies in [0,1), target_modules names a layer; got {plain}')
    return keys
