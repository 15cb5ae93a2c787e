"""Auxiliary normalisation: normalisation layers of their own for the synthetic images, in an unchanged network."""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any

from mmengine.logging import print_log
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from mmbdg.errors import InputError, nearest
from mmbdg.models.activation_checkpointing import replace_with_cp

NORMS: dict[str, type[nn.Module]] = dict(BN=_BatchNorm, LN=nn.LayerNorm)
"""Layers that a kind of auxiliary normalisation copies: BN also stands for SyncBN and for all numbers of dimensions."""


class AuxNorm(nn.Module):
    """Copies of the normalisation layers of a model, and calls of the model in which the copies replace the originals.

    .. code-block:: python

        self.aux_norm = AuxNorm(self, 'BN')  # at the end of the model's constructor
        features = self.aux_norm(self.extract_feat, synthetic_images)

    The model's other weights are shared, and its own layers are not changed: outside such a call it works as without this module. The
    copies lie at the same path below this module as the originals below the model, so the only new keys of the state dict are, e.g.,
    ``aux_norm.backbone.bn1.weight``. A checkpoint without these keys gives each copy the weights and statistics of its original; a line
    in the log says so. ``init_weights`` does the same.

    Copies are in the training or evaluation mode of their originals. Frozen layers (evaluation mode, no weight is trained, e.g. by
    ``frozen_stages``) are shared. ``with_cp=True`` is replaced by the same recomputation with the tensors of the call, see
    :func:`~mmbdg.models.activation_checkpointing.replace_with_cp`.

    Sources: Xie et al., "Adversarial Examples Improve Image Recognition" (AdvProp), section 4.2: auxiliary batch norms, the main ones for
    the test. Yu et al., "Diversify, Don't Fine-Tune": auxiliary batch norms for synthetic images (known from its abstract only).

    Args:
        model: The model that this module becomes an attribute of.
        norm: A name of :data:`NORMS`. "BN": batch norms. "LN": layer norms; whether this helps has not been shown.
        within: Names of the modules of the model whose layers are copied. Default: the whole model.

    Raises:
        InputError: There is no such kind; the model has no such layers, or only frozen ones; the model recomputes activations in another
            way than ``with_cp`` and ``activation_checkpointing``.
    """

    def __init__(self, model: nn.Module, norm: str = 'BN', within: Sequence[str] | None = None) -> None:
        super().__init__()
        if norm not in NORMS:
            raise InputError(f'aux_norm is {", ".join(map(repr, NORMS))} or None, got {norm!r}{nearest(str(norm), NORMS)}')
        self._model = (model,)  # in a tuple: as a submodule the model would contain itself
        roots = [name for name, _ in model.named_children()] if within is None else within
        memo: set[nn.Module] = set()  # a layer with two names is copied once
        layers = dict(pair for root in roots for pair in model.get_submodule(root).named_modules(memo, root))
        found = {name: layer for name, layer in layers.items() if isinstance(layer, NORMS[norm])}
        self.names = tuple(name for name, layer in found.items() if not _is_frozen(layer))
        if not self.names:
            raise InputError(_nothing_found(model, norm, bool(found), layers.values()))
        for root in roots:
            replace_with_cp(model.get_submodule(root))
            _check_recomputation(model.get_submodule(root), root)
        for name in self.names:
            self._add(name, deepcopy(found[name]))
        model.register_load_state_dict_pre_hook(self._complete)

    def forward(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Result of ``function(*args, **kwargs)``, a method of the model or a function that calls the model, with the auxiliary layers.

        Statistics that batch norms update inside are those of the auxiliary layers.
        """
        tensors = {f'model.{name}': tensor for name, tensor in (*self.named_parameters(), *self.named_buffers())}
        # With tie_weights, a layer with two names would keep the auxiliary tensors after the call. Without, both names are of one layer.
        return functional_call(_Calling(self._model[0]), tensors, (function, *args), kwargs, tie_weights=False)

    def train(self, mode: bool = True) -> 'AuxNorm':
        """Set the mode of the copies to that of their originals, which a backbone may keep in evaluation mode (``norm_eval``)."""
        super().train(mode)
        for name in self.names:
            self.get_submodule(name).training = self._model[0].get_submodule(name).training
        return self

    def init_weights(self) -> None:
        """Start from the weights and statistics of the main layers; mmengine calls it after the initialisation of the other modules."""
        for name in self.names:
            self.get_submodule(name).load_state_dict(self._model[0].get_submodule(name).state_dict())

    def _add(self, name: str, layer: nn.Module) -> None:
        """Put a layer at a dotted path."""
        parent: nn.Module = self
        *path, last = name.split('.')
        for part in path:
            if part not in parent._modules:
                parent.add_module(part, nn.Module())
            parent = parent._modules[part]
        parent.add_module(last, layer)

    def _complete(self, model: nn.Module, state_dict: dict[str, Tensor], prefix: str, *_: Any) -> None:
        """Before the model loads a state dict without auxiliary layers: add copies of the main ones."""
        (attribute,) = [name for name, module in model.named_children() if module is self] or [None]
        own = f'{prefix}{attribute}.'
        if attribute is None or any(key.startswith(own) for key in state_dict):
            return
        main = {key: state_dict[f'{prefix}{key}'] for key in self.state_dict() if f'{prefix}{key}' in state_dict}
        state_dict.update({f'{own}{key}': value.clone() for key, value in main.items()})
        if main:
            print_log(f'the checkpoint has no {own}*: the {len(self.names)} auxiliary norms start as copies of its main norms', 'current')


class _Calling(nn.Module):
    """A module whose forward calls any method of a model, because ``functional_call`` replaces tensors in a call of a module only."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)


def _is_frozen(layer: nn.Module) -> bool:
    return not layer.training and not any(parameter.requires_grad for parameter in layer.parameters())


def _check_recomputation(root: nn.Module, name: str) -> None:
    """Raise on the switches of timm and transformers: their second pass would use the main layers and give wrong gradients."""
    for part, module in root.named_modules():
        if any(getattr(module, switch, False) is True for switch in ('grad_checkpointing', 'gradient_checkpointing')):
            where = f'{name}.{part}' if part else name
            raise InputError(f'aux_norm cannot be used with the gradient checkpointing of {where} ({type(module).__name__}): switch it off')


def _nothing_found(model: nn.Module, norm: str, frozen: bool, layers: Iterable[nn.Module]) -> str:
    """Message about a model without layers to copy."""
    name, layers = type(model).__name__, list(layers)
    if frozen:
        return f'all {norm} layers of {name} are frozen, so auxiliary ones would never differ: unfreeze some, or set aux_norm=None'
    others = [kind for kind, cls in NORMS.items() if any(isinstance(layer, cls) for layer in layers)]
    hint = f"aux_norm='{others[0]}' or None" if others else 'aux_norm=None'
    return f'{name} has no {norm} layer for aux_norm to copy: set {hint}'
