"""Parts of diffusion models, built by diffusers from configs of a closed list of types."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mmbdg.errors import InputError, nearest

INSTALL_HINT = 'pip install "mmbdg[diffusion]"'
AUTOENCODERS = ('AutoencoderKL', 'AutoencoderTiny')
"""Autoencoders of diffusers that its StableDiffusionPipeline can use."""
DENOISERS = ('UNet2DModel', 'UNet2DConditionModel', 'DiTTransformer2DModel', 'SD3Transformer2DModel')
"""Denoisers of :class:`~mmbdg.generators.DiffusionGenerator`."""
SCHEDULERS = (
    *('DDIMScheduler', 'DDPMScheduler', 'PNDMScheduler', 'LCMScheduler', 'TCDScheduler', 'LMSDiscreteScheduler'),
    *('EulerDiscreteScheduler', 'EulerAncestralDiscreteScheduler', 'HeunDiscreteScheduler'),
    *('DPMSolverMultistepScheduler', 'DPMSolverSinglestepScheduler', 'DEISMultistepScheduler', 'UniPCMultistepScheduler'),
    *('KDPM2DiscreteScheduler', 'KDPM2AncestralDiscreteScheduler', 'FlowMatchEulerDiscreteScheduler'),
)
"""Schedulers of :class:`~mmbdg.generators.DiffusionGenerator`: their random numbers come from the generator of each sample."""


MOST = {
    **dict.fromkeys(('num_layers', 'layers_per_block', 'transformer_layers_per_block', 'num_encoder_blocks', 'num_decoder_blocks'), 256),
    'num_train_timesteps': 100_000,
}
"""Largest values of arguments that are counts: a config from a file must not keep the computer busy before its weights are compared."""


def need_diffusers(what: str) -> None:
    """Check that diffusers and transformers can be imported.

    Raises:
        InputError: One of them cannot be imported; the message names the packages to install.
    """
    try:
        import diffusers  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise InputError(f'{what} needs diffusers and transformers, which cannot be imported ({error}): {INSTALL_HINT}') from error


def diffusers_part(config: Mapping[str, Any], known: Sequence[str], where: str) -> Any:
    """Build an object of diffusers with ``from_config``, from the name of its class and its arguments.

    Args:
        config: ``dict(type='UNet2DConditionModel', ...)``.
        known: Names of the allowed classes.
        where: Place of the config, for messages.

    Raises:
        InputError: The class is not in ``known``, does not take an argument, or a count is above its bound in :data:`MOST`.
    """
    import diffusers

    name, arguments = config.get('type'), {key: value for key, value in config.items() if key != 'type'}
    if name not in known:
        raise InputError(f'{where}: there is no type {name!r}{nearest(str(name), known)}; there are {", ".join(known)}')
    for key, most in MOST.items():
        given = arguments.get(key, 1)
        if any(not isinstance(one, int) or not 0 <= one <= most for one in (given if isinstance(given, list | tuple) else [given])):
            raise InputError(f'{where}.{key} must lie in 0..{most}, got {given!r:.80}')
    kind = getattr(diffusers, name)
    takes = set(inspect.signature(kind.__init__).parameters) - {'self'}
    for key in arguments:
        if key not in takes:  # from_config would only log it
            raise InputError(f'{where}: {name} takes no "{key}"{nearest(key, takes)}')
    return kind.from_config(arguments)


def latents_of(autoencoder: nn.Module, images: Tensor) -> Tensor:
    """Latents of images, without sampling.

    Args:
        autoencoder: One of :data:`AUTOENCODERS`.
        images: float (N,3,R,R) in [-1,1].

    Returns:
        float (N,C,R/f,R/f), as the autoencoder gives them; a pipeline multiplies them by ``config.scaling_factor``.
    """
    encoded = autoencoder.encode(images)
    return encoded.latent_dist.mode() if hasattr(encoded, 'latent_dist') else encoded.latents
