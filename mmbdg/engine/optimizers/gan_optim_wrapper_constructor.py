"""Constructor of a GAN's two optimiser wrappers."""

from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from mmpretrain.utils import get_ori_model
from torch import nn

from mmbdg.registry import OPTIM_WRAPPER_CONSTRUCTORS

NETWORKS = ('generator', 'discriminator')


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class GANOptimWrapperConstructor:
    """Builds one optimiser wrapper for the model's ``generator`` and one for its ``discriminator``.

    .. code-block:: python

        optim_wrapper = dict(constructor='mmbdg.GANOptimWrapperConstructor',
                             generator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.999))),
                             discriminator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.999))))

    Raises:
        ValueError: The config does not have exactly these two keys, or there is a ``paramwise_cfg`` outside them.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        if sorted(optim_wrapper_cfg) != sorted(NETWORKS) or paramwise_cfg:
            raise ValueError(
                f'optim_wrapper of a GAN needs exactly the keys {NETWORKS} besides constructor, got {sorted(optim_wrapper_cfg)}; '
                'move paramwise_cfg into each of them'
            )
        self.optim_wrapper_cfg = optim_wrapper_cfg

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        model = get_ori_model(model)
        return OptimWrapperDict(
            **{name: build_optim_wrapper(getattr(model, name), self.optim_wrapper_cfg[name].copy()) for name in NETWORKS}
        )
