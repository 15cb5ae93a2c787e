"""Load pre-trained weights with the parameter names of any publisher into a backbone; an incomplete checkpoint raises an error.

mmengine's ``Pretrained`` loads the tensors that match and only logs the others: with a wrong prefix a fine-tuning starts from random
weights, and a ResNet-101 can be loaded into a ResNet-50. Only a bad result shows it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmengine.logging import print_log
from mmengine.model.weight_init import update_init_info
from torch import Tensor, nn

from mmbdg.compat.checkpoint import check_finite, describe_difference, read_anywhere, tensors_under
from mmbdg.compat.lightning import read_lightning
from mmbdg.errors import InputError
from mmbdg.registry import WEIGHT_INITIALIZERS

PREFIXES = {
    'backbone.': "OpenMMLab's, also of a whole pre-training; DINO's teacher",
    '': 'bare: torchvision, timm, DenseCL, DINO, SimCLR and BYOL converted to PyTorch, tools/extract_backbone.py',
    'module.encoder_q.': 'MoCo v1 and v2',
    'module.base_encoder.': 'MoCo v3',
    'encoder.module.': 'SupCon',
    'module.encoder.': 'SupCon',
    'encoder.': 'SupCon of one GPU',
    'module.backbone.': "OpenMMLab's and DINO's student in data parallel training",
    'feature.': 'SupSelfCon, a Lightning checkpoint with numbered layers',
    'module.': "torch's data parallel training",
}
NUMBERED = {'feature.': {'0': 'conv1', '1': 'bn1', '4': 'layer1', '5': 'layer2', '6': 'layer3', '7': 'layer4'}}
"""Names of the layers of a ResNet by their number in ``nn.Sequential(*resnet.children())``, for the prefixes that have such numbers."""
STEMS = ('conv1', 'stem', 'patch_embed')
COUNTER = 'num_batches_tracked'  # old files do not have it, and no result depends on it


class Arrived(NamedTuple):
    """Tensors of a checkpoint for a module.

    Args:
        tensors: State dict with the module's names; with counters of batches if the file has them.
        prefix: Prefix of the keys in the file, one of :data:`PREFIXES`.
        stem: Whether the module has a stem; its tensors are then included.
    """

    tensors: dict[str, Tensor]
    prefix: str
    stem: bool


@WEIGHT_INITIALIZERS.register_module()
class PretrainedBackbone:
    """``init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=PATH)`` of a backbone, or of a shared head that is its last stage.

    The prefixes in :data:`PREFIXES` are recognised. The checkpoint must contain all tensors of the module, and no additional blocks or
    tensors in the module's stages and layers. Whole stages, heads, momentum encoders and queues that the module does not have are ignored.

    Args:
        checkpoint: Path of a ``*.safetensors`` file or a torch file that holds tensors, an asset ``mmbdg://...``, or a source of mmengine:
            ``torchvision://resnet50``, ``https://...``. With ``None`` tools/train.py leaves the module randomly initialised. Of a local
            Lightning checkpoint (``*.ckpt``) only the tensors are read.
        fresh: First parts of parameter names that keep their own initialisation, e.g. ``('norm',)`` for the extra norm that detectron2 adds
            after the last stage. Default: none.

    Raises:
        InputError: (when called) The file is not a checkpoint, or does not match the module.
    """

    def __init__(self, checkpoint: str, fresh: Sequence[str] = ()) -> None:
        self.checkpoint, self.fresh = checkpoint, tuple(fresh)

    def __call__(self, module: nn.Module) -> None:
        arrived = backbone_tensors(module, self.checkpoint, self.fresh)
        module.load_state_dict(arrived.tensors, strict=False)
        for child in module.modules():
            if child is not module and hasattr(child, 'is_init'):
                child.is_init = True  # otherwise mmengine lets blocks with their own initialisation overwrite the weights
        stem, names = 'stem included' if arrived.stem else 'it has no stem', PREFIXES[arrived.prefix]
        print_log(f'{len(arrived.tensors)} tensors of {self.checkpoint} (names: {names}) fill {type(module).__name__}, {stem}', 'current')
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=f'PretrainedBackbone: {self.checkpoint}')


def backbone_tensors(module: nn.Module, checkpoint: str, fresh: Sequence[str] = ()) -> Arrived:
    """Read all tensors of ``module``, except the fresh ones, from a checkpoint with any known prefix.

    Args:
        module: Backbone, or a stage of a backbone.
        checkpoint: Path or source of the checkpoint, see :class:`PretrainedBackbone`.
        fresh: First parts of parameter names that are not read; default: none.

    Raises:
        InputError: The file does not exist; no key matches the module's names; tensors are missing or have another shape; the file has more
            blocks in a stage of the module (a backbone of another depth); or tensors hold NaN or infinity.
    """
    own = {key: value for key, value in module.state_dict().items() if key.split('.')[0] not in fresh and not key.endswith(COUNTER)}
    state = _tensors(checkpoint)
    prefix, found = _best_layout(state, own)
    if not own.keys() & found.keys():
        raise InputError(
            f'nothing in {checkpoint} has the names of {type(module).__name__} ({", ".join(list(own)[:3])}, ...); the first ones there are '
            f'{", ".join(list(state)[:5])}. Known are names {"; ".join(f"{key}... ({whose})" for key, whose in PREFIXES.items())}'
        )
    parts = {key.split('.')[0] for key in own}
    missing = [key for key in own if key not in found]
    unexpected = [key for key in found if key not in own and not key.endswith(COUNTER) and key.split('.')[0] in parts]
    shapes = [
        f'{key}: {tuple(found[key].shape)} in the file, {tuple(own[key].shape)} in the model'
        for key in own
        if key in found and found[key].shape != own[key].shape
    ]
    if problem := describe_difference(missing, unexpected, shapes):
        raise InputError(
            f'{checkpoint} (names {prefix}..., {PREFIXES[prefix]}) does not fit {type(module).__name__}; '
            f'is it a backbone of another depth or with another stem?\n{problem}'
        )
    check_finite({key: found[key] for key in own}, checkpoint)
    counters = {key: found[key] for key in module.state_dict() if key.endswith(COUNTER) and key in found}
    return Arrived({key: found[key] for key in own} | counters, prefix, bool(parts & set(STEMS)))


def _best_layout(state: dict[str, Tensor], own: dict[str, Tensor]) -> tuple[str, dict[str, Tensor]]:
    """Prefix under which the most names of the module are found, and the tensors under it."""
    under = {
        prefix: {_named(key[len(prefix) :], prefix): value for key, value in state.items() if key.startswith(prefix)} for prefix in PREFIXES
    }
    prefix = max(under, key=lambda prefix: len(under[prefix].keys() & own.keys()))
    return prefix, under[prefix]


def _named(key: str, prefix: str) -> str:
    """Name of a parameter with the number of its layer replaced by the layer's name."""
    layer, dot, rest = key.partition('.')
    return NUMBERED.get(prefix, {}).get(layer, layer) + dot + rest


def _tensors(checkpoint: str) -> dict[str, Tensor]:
    """All tensors of a checkpoint. A Lightning checkpoint also holds objects of its training, which are not built."""
    if Path(checkpoint).suffix == '.ckpt' and '://' not in str(checkpoint):
        return read_lightning(checkpoint)
    return tensors_under(read_anywhere(checkpoint), '', checkpoint)
