"""Two optimisers for a GAN."""

from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from mmpretrain.utils import get_ori_model
from torch import nn

from mmbdg.registry import OPTIM_WRAPPER_CONSTRUCTORS

NETWORKS = ('generator', 'discriminator')


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class GANOptimWrapperConstructor:
    """One optimiser wrapper for each of the model's ``generator`` and ``discriminator``.

    .. code-block:: python

        optim_wrapper = dict(constructor='mmbdg.GANOptimWrapperConstructor',
                             generator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.999))),
                             discriminator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.999))))

    Raises:
        ValueError: The config has not exactly these two keys.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        if sorted(optim_wrapper_cfg) != sorted(NETWORKS) or paramwise_cfg:
            raise ValueError(
                f'optim_wrapper of a GAN has the keys {NETWORKS} and constructor, got {sorted(optim_wrapper_cfg)}; '
                'paramwise_cfg stands inside each'
            )
        self.optim_wrapper_cfg = optim_wrapper_cfg

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        model = get_ori_model(model)
        return OptimWrapperDict(
            **{name: build_optim_wrapper(getattr(model, name), self.optim_wrapper_cfg[name].copy()) for name in NETWORKS}
        )
