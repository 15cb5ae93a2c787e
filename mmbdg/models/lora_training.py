"""Fine-tuning of an existing text-to-image pipeline by LoRA adapters, as an mmengine model."""

import copy
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from mmbdg.generators.diffusers_parts import need_diffusers
from mmbdg.models.diffusion_training import DiffusionTraining
from mmbdg.models.lora import LoRA, adapter_keys, adapter_metadata, adapter_tensors, add_adapter, merge_adapter, need_peft
from mmbdg.models.pipeline_parts import read_parts
from mmbdg.registry import MODELS
from mmbdg.sources.pipelines import quiet

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline

FROZEN = ('autoencoder', 'text_encoder', 'unet')
ADAPTED = dict(lora='unet', text_lora='text_encoder')


@MODELS.register_module()
class LoRATraining(DiffusionTraining):
    """Trains LoRA adapters in a pipeline of diffusers on a few images: its U-Net and, if wanted, its text encoder.

    Loss, captions, samples and validation are those of :class:`DiffusionTraining`. Only the adapters are parameters of this module: the
    weights of the pipeline are in no checkpoint, no optimizer and no average (mmengine's ``EMAHook``), and do not change. Copies of the
    module share them.

    Args:
        pipeline: Folder that ``save_pretrained`` of a ``StableDiffusionPipeline`` has written, ``mmbdg://...`` or
            ``hf://ORG/NAME[@REVISION]``, see :class:`~mmbdg.sources.DiffusionSource`. Its safety checker is not loaded.
        lora: Adapters of the U-Net, see :class:`~mmbdg.models.lora.LoRA`: ``dict(rank=8, target_modules=('to_q', 'to_k', 'to_v',
            'to_out.0'))``.
        classes: Names of the classes, or the name of an embedded list; the text encoder reads them in the captions.
        text_lora: Adapters of the text encoder, with the same keys. Default: None, for none.
        **kwargs: Arguments of :class:`DiffusionTraining` without those of the networks: ``captions``, ``empty_prompt``, ``timesteps``,
            ``guidance_scale``, ``num_inference_steps``, ``seed``, ``data_preprocessor``.

    Raises:
        InputError: diffusers or peft is not installed, the pipeline is missing, may not be loaded or is of another kind, a key of the
            adapters is invalid, or a caption is longer than the text encoder reads.
    """

    def __init__(self, pipeline: str, lora: dict, classes: Sequence[str] | str, text_lora: dict | None = None, **kwargs: Any) -> None:
        for check in (need_diffusers, need_peft):
            check('mmbdg.LoRATraining')
        configs = dict(lora=lora) if text_lora is None else dict(lora=lora, text_lora=text_lora)
        adapters = {key: adapter_keys(config, f'model.{key}') for key, config in configs.items()}
        parts = read_parts(pipeline, 'mmbdg.LoRATraining')
        super().__init__(**parts.networks, scheduler=parts.scheduler, classes=classes, tokenizer=parts.tokenizer, **kwargs)
        self.sampler = parts.sampler
        self._freeze(adapters)

    def _freeze(self, adapters: dict[str, LoRA]) -> None:
        """Add the adapters, register their parameters, and take the networks themselves out of this module's tree."""
        self.text_encoder.requires_grad_(False)
        self.adapters = nn.ModuleDict()
        for key, keys in adapters.items():
            found = add_adapter(getattr(self, ADAPTED[key]), keys, f'model.{key}')
            self.adapters[ADAPTED[key]] = nn.ParameterDict({name.replace('.', '/'): value for name, value in found.items()})
        for name in FROZEN:
            self.__dict__[name] = self._modules.pop(name)

    def train(self, mode: bool = True) -> 'LoRATraining':
        nn.Module.train(self, mode)
        self.autoencoder.eval()
        for name in ADAPTED.values():
            getattr(self, name).train(mode)
        return self

    def _apply(self, fn: Callable, recurse: bool = True) -> 'LoRATraining':
        super()._apply(fn, recurse)
        for name in FROZEN if 'unet' in self.__dict__ else ():  # an adapter's parameter is moved once: its data are replaced in place
            getattr(self, name)._apply(fn, recurse)
        return self

    def __deepcopy__(self, memo: dict) -> 'LoRATraining':
        own = {id(parameter) for parameter in self.parameters()}
        for network in (getattr(self, name) for name in FROZEN):
            for parameter in network.parameters():
                if id(parameter) not in own:
                    memo[id(parameter)] = nn.Parameter(parameter.data, requires_grad=False)
        made = self.__class__.__new__(self.__class__)
        memo[id(self)] = made
        made.__setstate__(copy.deepcopy(self.__dict__, memo))
        return made

    def merged(self) -> 'StableDiffusionPipeline':
        """The pipeline with the adapters merged into copies of its weights, in eval mode."""
        unet, text_encoder = copy.deepcopy((self.unet, self.text_encoder))  # not of this module: merging changes weights in place
        for name in self.adapters:
            merge_adapter(unet if name == 'unet' else text_encoder)
        return self._pipeline(unet.eval(), text_encoder.eval())

    def save_pretrained(self, folder: str | os.PathLike) -> None:
        """Write :meth:`merged` in diffusers' layout, for ``AutoPipelineForText2Image.from_pretrained``."""
        with quiet():
            self.merged().save_pretrained(folder, safe_serialization=True)

    def save_adapter(self, folder: str | os.PathLike) -> None:
        """Write the adapters alone, ``pytorch_lora_weights.safetensors``, for ``load_lora_weights`` of the original pipeline."""
        from diffusers import StableDiffusionPipeline

        layers: dict[str, Any] = {}
        for name in self.adapters:
            layers[f'{name}_lora_layers'] = adapter_tensors(getattr(self, name))
            layers[f'{name}_lora_adapter_metadata'] = adapter_metadata(getattr(self, name))
        StableDiffusionPipeline.save_lora_weights(folder, **layers)
