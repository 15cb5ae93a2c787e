"""Pre-trained weights into a backbone, whatever names their publisher gave them, and all of them or none.

mmengine's ``Pretrained`` loads what fits and logs the rest: with a prefix too many or too few a fine-tuning starts from random weights, a
ResNet-101 fills a ResNet-50, and the figure at the end is the only sign of it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from mmengine.logging import print_log
from mmengine.model.weight_init import update_init_info
from torch import Tensor, nn

from mmbdg.compat.checkpoint import check_finite, describe_difference, read_anywhere, tensors_under
from mmbdg.errors import InputError
from mmbdg.registry import WEIGHT_INITIALIZERS

PREFIXES = {
    'backbone.': "OpenMMLab's, also of a whole pre-training",
    '': 'bare: torchvision, timm, DenseCL, tools/extract_backbone.py',
    'module.encoder_q.': 'MoCo v1 and v2',
    'module.base_encoder.': 'MoCo v3',
    'module.': "torch's data parallel training",
}
STEMS = ('conv1', 'stem', 'patch_embed')
COUNTER = 'num_batches_tracked'  # old files have none; no result depends on it


class Arrived(NamedTuple):
    """What a checkpoint holds for a module.

    Args:
        tensors: By the module's names; counters of batches too, if the file has them.
        prefix: One of :data:`PREFIXES`.
        stem: Whether the module has a stem, which then is among them.
    """

    tensors: dict[str, Tensor]
    prefix: str
    stem: bool


@WEIGHT_INITIALIZERS.register_module()
class PretrainedBackbone:
    """``init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=PATH)`` of a backbone, or of a shared head that is its last stage.

    The layouts of :data:`PREFIXES` are recognised. The checkpoint has to fill the module, and must have no further block in a stage or
    tensor in a layer of it; whole stages, heads, momentum encoders and queues that the module does not have are left out.

    Args:
        checkpoint: A file (``*.safetensors``, or one of torch that holds tensors), an asset ``mmbdg://...``, or a source of mmengine's:
            ``torchvision://resnet50``, ``https://...``. ``None`` is for tools/train.py, which leaves the module at random then.
        fresh: First parts of the module's names that start from their own initialisation, e.g. ``('norm',)`` of detectron2's extra norm
            behind the last stage.

    Raises:
        InputError: (when called) the checkpoint does not fit, or is none.
    """

    def __init__(self, checkpoint: str, fresh: Sequence[str] = ()) -> None:
        self.checkpoint, self.fresh = checkpoint, tuple(fresh)

    def __call__(self, module: nn.Module) -> None:
        arrived = backbone_tensors(module, self.checkpoint, self.fresh)
        module.load_state_dict(arrived.tensors, strict=False)
        for child in module.modules():
            if child is not module and hasattr(child, 'is_init'):
                child.is_init = True  # else mmengine lets blocks with an initialisation of their own overwrite the weights
        stem, names = 'stem included' if arrived.stem else 'it has no stem', PREFIXES[arrived.prefix]
        print_log(f'{len(arrived.tensors)} tensors of {self.checkpoint} (names: {names}) fill {type(module).__name__}, {stem}', 'current')
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=f'PretrainedBackbone: {self.checkpoint}')


def backbone_tensors(module: nn.Module, checkpoint: str, fresh: Sequence[str] = ()) -> Arrived:
    """All tensors of ``module`` but the fresh ones, from a checkpoint of any layout.

    Args:
        module: A backbone or a stage of one.
        checkpoint: See :class:`PretrainedBackbone`.
        fresh: First parts of names that are not looked for.

    Raises:
        InputError: There is no such file; nothing in it has the module's names; some of the tensors are missing or of another shape; or it
            has more blocks in one of the module's stages (a backbone of another depth); or tensors hold NaN or infinity.
    """
    own = {key: value for key, value in module.state_dict().items() if key.split('.')[0] not in fresh and not key.endswith(COUNTER)}
    state = tensors_under(read_anywhere(checkpoint), '', checkpoint)
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
    """The prefix under which the most names of the module are found, and what lies under it."""
    under = {prefix: {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)} for prefix in PREFIXES}
    prefix = max(under, key=lambda prefix: len(under[prefix].keys() & own.keys()))
    return prefix, under[prefix]
