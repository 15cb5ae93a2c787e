"""Parts of an existing text-to-image pipeline, to train it further."""

from typing import Any, NamedTuple

from torch import nn

from mmbdg.errors import InputError
from mmbdg.sources.pipelines import find_pipeline, load_pipeline, quiet

KINDS = ('StableDiffusionPipeline',)
"""Pipelines of diffusers that can be trained further: one U-Net, one CLIP text encoder, an autoencoder."""
TARGETS = ('epsilon', 'v_prediction', 'sample')


class PipelineParts(NamedTuple):
    """Parts of a pipeline.

    Attributes:
        networks: ``autoencoder``, frozen and in eval mode, ``unet`` and ``text_encoder``.
        scheduler: Its noise, as a ``DDPMScheduler``.
        sampler: Its own scheduler, for sampling.
        tokenizer: Its tokenizer; ``model_max_length`` is not above the length that the text encoder reads.
    """

    networks: dict[str, nn.Module]
    scheduler: Any
    sampler: Any
    tokenizer: Any


def read_parts(pipeline: str, what: str) -> PipelineParts:
    """Read the parts of a pipeline from a checked folder, see :func:`~mmbdg.sources.pipelines.find_pipeline`.

    Args:
        pipeline: Folder, ``mmbdg://...`` or ``hf://ORG/NAME[@REVISION]``.
        what: Name of the training, for messages.

    Raises:
        InputError: The folder is missing or may not be loaded, or the pipeline or its scheduler is of another kind.
    """
    folder, _ = find_pipeline(pipeline)
    if folder.kind.__name__ not in KINDS:
        raise InputError(f'{pipeline} is a {folder.kind.__name__}; {what} starts from a {" or ".join(KINDS)}')
    parts = load_pipeline(folder)
    for network in (parts.vae, parts.unet):
        _forget_path(network)
    parts.tokenizer.model_max_length = min(parts.tokenizer.model_max_length, parts.text_encoder.config.max_position_embeddings)
    networks = dict(autoencoder=parts.vae.eval().requires_grad_(False), unet=parts.unet, text_encoder=parts.text_encoder)
    return PipelineParts(networks, _training_scheduler(parts.scheduler, what), parts.scheduler, parts.tokenizer)


def _training_scheduler(sampler: Any, what: str) -> Any:
    """The noise of a pipeline's scheduler, for training."""
    from diffusers import DDPMScheduler

    config = sampler.config
    if 'beta_schedule' not in config or config.get('prediction_type', 'epsilon') not in TARGETS:
        raise InputError(
            f'the pipeline has a {type(sampler).__name__}; {what} knows schedulers with betas and a prediction_type of '
            + ', '.join(TARGETS)
        )
    with quiet():
        return DDPMScheduler.from_config(config)


def _forget_path(network: nn.Module) -> None:
    """Remove the local path from which diffusers loaded a network, which must not get into an export."""
    config = {key: value for key, value in network.config.items() if key != '_name_or_path'}
    network._internal_dict = type(network.config)(config)
