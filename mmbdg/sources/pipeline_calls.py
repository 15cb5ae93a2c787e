"""Calls of a pipeline of diffusers with a generator for each sample."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.sources.pipelines import quiet

FEWEST_TOKENS, MOST_TOKENS = 8, 10**5
"""Range of plausible limits of a prompt's length; a value outside means that the tokenizer states none."""


class PipelineCalls:
    """A pipeline and the common arguments of its calls.

    Args:
        pipeline: The pipeline.
        size: Height and width S in pixels of the sampled images.
        **arguments: Further arguments of all calls, such as ``num_inference_steps``.

    Raises:
        InputError: The pipeline does not take one of the arguments, or no generator.
    """

    def __init__(self, pipeline: Any, size: int, **arguments: Any) -> None:
        self.pipeline, self.size, self.arguments = pipeline, size, dict(arguments, output_type='np')
        takes = inspect.signature(pipeline.__call__).parameters
        if lacking := [key for key in (*self.arguments, 'generator') if key not in takes]:
            raise InputError(f'{type(pipeline).__name__} of diffusers takes no {lacking[0]}, so it cannot be used with these keys')
        if 'strength' not in arguments:  # the size of a perturbation is that of its images
            self.arguments |= {side: size for side in ('height', 'width') if side in takes}

    def __call__(
        self, generators: Sequence[torch.Generator], images: np.ndarray | None = None, **arguments: Any
    ) -> tuple[np.ndarray, list[bool] | None]:
        """Sample images.

        Args:
            generators: One for each of N samples.
            images: Images to perturb, RGB uint8 (N,S,S,3); None: sample from noise.
            **arguments: Further arguments, of N values each.

        Returns:
            RGB uint8 (N,S,S,3); and for each image whether the safety checker flagged it, None without a safety checker.

        Raises:
            InputError: The pipeline does not accept an argument, returns images of another size, or draws random numbers from other
                generators.
        """
        from PIL import Image

        if images is not None:
            mode = 'L' if self.pipeline.vae.config.get('in_channels', 3) == 1 else 'RGB'
            arguments['image'] = [Image.fromarray(image).convert(mode) for image in images]
        name, result = type(self.pipeline).__name__, self._result(generators, arguments)
        sampled = _to_uint8(result.images)
        if sampled.shape[1:3] != (self.size, self.size):
            raise InputError(f'{name} gives images of {sampled.shape[2]}x{sampled.shape[1]} pixels, not of {self.size}: change size')
        return sampled, getattr(result, 'nsfw_content_detected', None)

    def latents(self, generators: Sequence[torch.Generator], **arguments: Any) -> Tensor:
        """Sample latents without decoding them.

        Args:
            generators: One for each of N samples.
            **arguments: Further arguments, of N values each.

        Returns:
            Latents as the pipeline scales them, float (N,C,s,s).

        Raises:
            InputError: See :meth:`__call__`.
        """
        return self._result(generators, arguments | dict(output_type='latent')).images

    def _result(self, generators: Sequence[torch.Generator], arguments: Mapping[str, Any]) -> Any:
        name, before = type(self.pipeline).__name__, self._shared_state()
        try:
            with quiet():
                result = self.pipeline(**self.arguments | arguments, generator=list(generators))
        except ValueError as error:  # raised by diffusers for a wrong argument
            raise InputError(f'{name} refuses these values: {" ".join(str(error).split())[:500]}') from error
        if any(not torch.equal(a, b) for a, b in zip(before, self._shared_state(), strict=True)):
            raise InputError(
                f'{name} with {type(self.pipeline.scheduler).__name__} draws random numbers that do not come from the generators of the '
                "samples; choose a deterministic scheduler, such as dict(type='DDIMScheduler')"
            )
        return result

    def _shared_state(self) -> list[Tensor]:
        """State of the global random generators of the process."""
        device = self.pipeline.device
        return [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == 'cuda' else [])]


def say_cut_prompts(pipeline: Any, prompts: Mapping[str, Sequence[str]]) -> None:
    """Log how many prompts are longer than the limit of the text encoder; diffusers truncates them."""
    from mmengine.logging import print_log

    tokenizer = getattr(pipeline, 'tokenizer', None)
    most = getattr(tokenizer, 'model_max_length', 0)
    if not FEWEST_TOKENS <= most <= MOST_TOKENS:
        return
    texts = [text for one in prompts.values() for text in one]
    with quiet():
        cut = [text for text, tokens in zip(texts, tokenizer(texts)['input_ids'], strict=True) if len(tokens) > most]
    if cut:
        print_log(f'{len(cut)} of {len(texts)} prompts are longer than {most} tokens; the rest is not read: "{cut[0]:.100}"', 'current', 30)


def _to_uint8(images: Any) -> np.ndarray:
    """Convert images 0 to 1, (N,H,W,3) or (N,H,W,1), to uint8 (N,H,W,3), rounded as in diffusers."""
    images = np.asarray(images)
    images = np.repeat(images, 3, axis=3) if images.shape[3] == 1 else images
    return (images * 255).round().astype(np.uint8)
