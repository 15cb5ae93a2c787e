"""A diffusion model as a source: images from prompts or class labels, or perturbed images ("The Unmet Promise", arXiv 2406.05184)."""

import json
import math
from collections.abc import Mapping, Sequence
from hashlib import sha256 as sha256_of
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
import torch

from mmbdg.addressed import torch_generator_at
from mmbdg.assets import resolve
from mmbdg.errors import InputError, nearest
from mmbdg.files import sha256
from mmbdg.registry import SOURCES
from mmbdg.sources.area_average import averaged
from mmbdg.sources.base import Drawn, Source
from mmbdg.sources.class_images import open_class_files
from mmbdg.sources.class_list import ClassList
from mmbdg.sources.diffusion_schedulers import changed_scheduler, plain_scheduler, scheduler_class
from mmbdg.sources.image_fit import fitted
from mmbdg.sources.mask_bits import CARD
from mmbdg.sources.pipeline_calls import PipelineCalls, say_cut_prompts
from mmbdg.sources.pipelines import (
    PRECISIONS,
    find_pipeline,
    image_to_image,
    is_class_conditional,
    load_pipeline,
    number_of_labels,
    own_size,
    scale_factor,
)
from mmbdg.sources.prompt_file import PLACEHOLDER, read_prompts, template_prompts
from mmbdg.storage.catalogue import Catalogue
from mmbdg.storage.originals import Original, Store, check_store, originals_of, stored_as

TEMPLATE = 'a photo of {}'
"""Default prompt: that of the perturbation in "The Unmet Promise", appendix E.1."""


@SOURCES.register_module()
class DiffusionSource(Source):
    """Images of a text-to-image or class-conditional pipeline of diffusers.

    With ``init`` and ``strength`` it perturbs images instead (SDEdit): noise is added to each, and the model removes it.

    All random numbers of a sample come from its own ``torch.Generator``, see :meth:`generator`, which is passed to the pipeline: the
    initial latents, the noise of a perturbation, the sample of the autoencoder's posterior and the steps of a stochastic scheduler. An
    image is therefore the same as that of a direct call of the pipeline with this generator, and does not depend on the batch.

    Args:
        model: Folder that ``save_pretrained`` of a pipeline has written, ``mmbdg://...``, or ``hf://ORG/NAME[@REVISION]``. It
            must be loadable by ``AutoPipelineForText2Image`` or ``DiTPipeline``: only classes of diffusers and transformers, and weights
            as safetensors; no code and no pickle.
        classes: The classes, see :class:`~mmbdg.sources.class_list.ClassList`.
        prompts: Path of a file of prompts (:func:`~mmbdg.sources.prompt_file.read_prompts`), or templates with one ``{}`` each; None:
            "a photo of {}". Sample i of a class has prompt i modulo their number. Not for a class-conditional model.
        negative_prompt: What images should not show.
        steps: Number of sampling steps of the scheduler.
        guidance: Scale of classifier-free guidance; no guidance at 1 and below.
        size: Height and width in pixels of the sampled images; None: the model's own.
        resolution: Height and width in pixels of the returned images, averaged over areas; None: as sampled.
        scheduler: Another scheduler of diffusers, ``dict(type='DDIMScheduler')``; further keys replace values of the model's own scheduler.
            None: the model's own.
        precision: Precision of the models, "float32", "bfloat16" or "float16". diffusers draws the noise in that precision too: the
            images differ from float32, and the noise is limited to 3.3 standard deviations in bfloat16 and 3.7 in float16.
        attention_slicing: Whether attention is computed in slices, which takes less memory and more time.
        safety_checker: Whether the model's safety checker runs. It replaces unsafe images by black ones; their records have ``nsfw``
            true.
        label_ids: Labels of a class-conditional model, by class id, or one for each class in order; None: label i is class i.
        init: Images to perturb: a dataset in our layout, or a folder with a folder of images for each class (named by id or name).
            The short side is resized to ``size`` and the middle of the long side is kept.
        strength: Strength gamma of the perturbation, 0 to 1. int(steps * strength) steps are run. 0 returns the images themselves.
        selection: Name of a selection of the ``init`` dataset.
        squash: Whether images that are not square are squashed, as in the paper's code, instead of cropped.
        repeats: Number of perturbations of each image of ``init``, each with other noise.
        store: With ``strength=0``, how images are stored that already have ``resolution``: "encode", "copy" or "link" (hard links), see
            :attr:`~mmbdg.sources.Source.store`.
        licence: Licence of the images.
        seed: Seed of the samples.

    Raises:
        InputError: diffusers is not installed, a file is missing or may not be loaded, a prompt lacks its class, or a value is invalid or
            does not fit the model.
    """

    makes_masks: ClassVar[bool] = False

    def __init__(
        self,
        model: str,
        classes: str | Sequence[str | Mapping[str, str]],
        prompts: str | Sequence[str] | None = None,
        negative_prompt: str = '',
        steps: int = 50,
        guidance: float = 2.0,
        size: int | None = None,
        resolution: int | None = None,
        scheduler: Mapping[str, Any] | None = None,
        precision: str = 'float32',
        attention_slicing: bool = False,
        safety_checker: bool = False,
        label_ids: Mapping[str, int] | Sequence[int] | None = None,
        init: str | None = None,
        strength: float | None = None,
        selection: str | None = None,
        squash: bool = False,
        repeats: int = 1,
        store: Store = 'encode',
        licence: str = '',
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        self.check(
            model=model,
            classes=classes,
            prompts=prompts,
            steps=steps,
            guidance=guidance,
            size=size,
            resolution=resolution,
            scheduler=scheduler,
            precision=precision,
            init=init,
            strength=strength,
            selection=selection,
            squash=squash,
            repeats=repeats,
            store=store,
        )
        self.classes, self.negative_prompt, self.steps, self.guidance = ClassList(classes), negative_prompt, steps, guidance
        self.precision, self.attention_slicing, self.safety_checker = precision, attention_slicing, safety_checker
        self.strength, self.squash, self.repeats, self.batch_matters = strength, squash, repeats, strength != 0
        # Small files are checked before large ones are read.
        if isinstance(prompts, str):
            self.prompts = read_prompts(resolve(prompts), self.classes)
        else:
            self.prompts = template_prompts([TEMPLATE] if prompts is None else prompts, self.classes)
        self.init = None if init is None else open_class_files(init, self.classes, selection, 'synthesis.source.init')
        self.store = store
        if self.init is not None:
            check_store(store, self.init.has_files, 'synthesis.source')
        self.folder, self.revision = find_pipeline(model, safety_checker)
        if not self.makes_masks and (self.folder.path / CARD).is_file():
            raise InputError(f'{self.folder.path} makes images and masks together ({CARD}): use mmbdg.JointDiffusionSource')
        self.labels = self._labels(prompts, label_ids)
        if scheduler is not None:
            scheduler_class(scheduler['type'])
        pipeline = load_pipeline(self.folder, precision, attention_slicing)
        if scheduler is not None:
            pipeline.scheduler = changed_scheduler(pipeline.scheduler, scheduler)
        self.pipeline = pipeline if self.init is None else image_to_image(pipeline)
        self.size = self._size(size)
        self.resolution = self.size if resolution is None else resolution
        if self.resolution > self.size:
            raise InputError(f'synthesis.source.resolution is {resolution}, but the model samples {self.size} px, which are not enlarged')
        arguments = dict(num_inference_steps=steps, guidance_scale=guidance) | ({} if init is None else dict(strength=strength))
        self.calls = PipelineCalls(self.pipeline, self.size, **arguments)
        self._check_condition()
        self.catalogue = Catalogue(self.classes.names, self.classes.ids, (), 255, self.resolution, licence)

    @staticmethod
    def check(
        model: str,
        classes: Any,
        prompts: str | Sequence[str] | None = None,
        steps: int = 50,
        guidance: float = 2.0,
        size: int | None = None,
        resolution: int | None = None,
        scheduler: Mapping[str, Any] | None = None,
        precision: str = 'float32',
        init: str | None = None,
        strength: float | None = None,
        selection: str | None = None,
        squash: bool = False,
        repeats: int = 1,
        store: str = 'encode',
        **_: Any,
    ) -> None:
        """Check the values without reading a file.

        Raises:
            InputError: A value is invalid.
        """
        where = 'synthesis.source'
        for name, value in dict(steps=steps, size=size, resolution=resolution, repeats=repeats).items():
            if value is not None and value < 1:
                raise InputError(f'{where}.{name} must be at least 1, got {value}')
        if not 0 <= guidance < float('inf'):
            raise InputError(f'{where}.guidance must be a finite number, 0 or more, got {guidance}')
        if isinstance(prompts, str) and PLACEHOLDER in prompts:
            raise InputError(f'{where}.prompts is the path of a file of prompts, or a list of templates; write ["{prompts}"]')
        if precision not in PRECISIONS:
            raise InputError(f'{where}.precision must be one of {", ".join(PRECISIONS)}, got "{precision}"')
        if scheduler is not None and not isinstance(scheduler.get('type'), str):
            raise InputError(f"{where}.scheduler must be a dict with a type, such as dict(type='DDIMScheduler'), got {dict(scheduler)}")
        if store != 'encode' and strength != 0:
            raise InputError(f'{where}.store="{store}" is for images that are not changed: it needs init and strength=0')
        if (init is None) != (strength is None):
            given, lacking = ('init', 'strength') if strength is None else ('strength', 'init')
            raise InputError(f'{where} has {given} but no {lacking}: a perturbation needs images (init) and its strength (0 to 1)')
        if strength is None:
            for name, value in dict(selection=selection, squash=squash or None, repeats=None if repeats == 1 else repeats).items():
                if value is not None:
                    raise InputError(f'{where}.{name} belongs to a perturbation, which needs init and strength')
            return
        if not 0 <= strength <= 1:
            raise InputError(f'{where}.strength must lie in 0..1, got {strength}')
        if strength > 0 and int(steps * strength) < 1:
            raise InputError(
                f'{where}: strength {strength} of {steps} steps is less than one step, which would not change the image; raise steps to '
                f'{math.ceil(1 / strength)} or more, or set strength=0 for the images themselves'
            )

    def to(self, device: Any) -> 'DiffusionSource':
        self.pipeline.to(device)
        return super().to(device)

    def available(self, class_id: int) -> int | None:
        return None if self.init is None else self.init.number(class_id) * self.repeats

    def generator(self, class_id: int, index: int) -> torch.Generator:
        """A new generator on the CPU, the only source of random numbers of one sample.

        ``pipeline(prompt, generator=source.generator(class_id, index), ...)`` of diffusers makes the image of this sample.
        """
        return torch_generator_at(self.seed, class_id, index)

    def prompt(self, class_id: int, index: int) -> str:
        """The prompt of one sample of a text-to-image model."""
        prompts = self.prompts[self.classes[class_id].id]
        return prompts[index % len(prompts)]

    def draw(self, class_id: int, indices: Sequence[int]) -> Drawn:
        self._check_class(class_id)
        if not indices:
            return Drawn(torch.zeros(0, 3, self.resolution, self.resolution, dtype=torch.uint8, device=self.device), records=[])
        images, originals, records = None, None, [{} for _ in indices]
        if self.init is not None:
            images, originals, names = self._initial_images(class_id, indices)
            records = [dict(gamma=self.strength, init=name) for name in names]
        if self.strength != 0:
            condition, said = self._condition(class_id, indices)
            images, flagged = self.calls([self.generator(class_id, index) for index in indices], images, **condition)
            if self.resolution != self.size:
                images = np.stack([averaged(image, self.resolution) for image in images])
            objected = [{} for _ in indices] if flagged is None else [dict(nsfw=bool(value)) for value in flagged]
            records = [one | more | checked for one, more, checked in zip(records, said, objected, strict=True)]
        images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(self.device)
        return Drawn(images, records=records, originals=originals)

    def identity(self) -> dict[str, dict[str, Any]]:
        config = dict(
            type='mmbdg.DiffusionSource',
            negative_prompt=self.negative_prompt,
            steps=self.steps,
            guidance=self.guidance,
            size=self.size,
            resolution=self.resolution,
            scheduler=plain_scheduler(self.pipeline.scheduler),
            precision=self.precision,
            attention_slicing=self.attention_slicing,
            safety_checker=self.safety_checker,
            label_ids=self.labels,
            strength=self.strength,
            squash=self.squash,
            repeats=self.repeats,
            store=stored_as(self.store),
            licence=self.catalogue.licence,
        )
        checksums = {name: sha256(path) for name, path in sorted(self.folder.files.items())}
        checksums['classes'] = _checksum(self.classes.plain())
        if self.labels is None:
            checksums['prompts'] = _checksum(self.prompts)
        if self.init is not None:
            checksums |= self.init.checksums()
        return dict(config=config, checksums=checksums, versions={name: version(name) for name in ('diffusers', 'transformers')})

    def _check_class(self, class_id: int) -> None:
        if not 0 <= class_id < len(self.classes):
            raise InputError(f'there is no class {class_id}; classes are 0 to {len(self.classes) - 1}')

    def _initial_images(self, class_id: int, indices: Sequence[int]) -> tuple[np.ndarray, list[Original] | None, list[str]]:
        """Images to perturb, uint8 (N,S,S,3), their files and ids. With strength 0 they have the size of the result."""
        size, number = self.resolution if self.strength == 0 else self.size, self.init.number(class_id)
        if wrong := [index for index in indices if not 0 <= index < number * self.repeats]:
            raise InputError(f'class {class_id} has the samples 0 to {number * self.repeats - 1}, there is no sample {wrong[0]}')
        read = [self.init.given(class_id, index % number, size, self.store) for index in indices]
        names = [self.init.name(class_id, index % number) for index in indices]
        return np.stack([fitted(image, size, self.squash) for image, _ in read]), originals_of(read), names

    def _condition(self, class_id: int, indices: Sequence[int]) -> tuple[dict[str, list], list[dict[str, Any]]]:
        """Further arguments of the pipeline beside generators and images, and their records in the manifest, by sample."""
        common = dict(steps=self.steps, guidance=self.guidance) | (dict(revision=self.revision) if self.revision else {})
        if self.labels is not None:
            label = self.labels[class_id]
            return dict(class_labels=[label] * len(indices)), [dict(label_id=label, **common) for _ in indices]
        prompts = [self.prompt(class_id, index) for index in indices]
        negative = dict(negative_prompt=[self.negative_prompt] * len(indices)) if self.negative_prompt else {}
        return dict(prompt=prompts) | negative, [dict(prompt=prompt, **common) for prompt in prompts]

    def _labels(self, prompts: Any, label_ids: Mapping[str, int] | Sequence[int] | None) -> list[int] | None:
        """Label of each class of a class-conditional model; None for a text-to-image model."""
        kind, known = self.folder.kind, self.classes.ids
        if not is_class_conditional(kind):
            if label_ids is not None:
                raise InputError(f'synthesis.source.label_ids belongs to class-conditional models; {kind.__name__} takes prompts')
            return None
        for name, value in dict(prompts=prompts, negative_prompt=self.negative_prompt or None, init=self.init).items():
            if value is not None:
                raise InputError(f'synthesis.source.{name} is for text-to-image models; {kind.__name__} takes class labels')
        if isinstance(label_ids, Mapping):
            if unknown := [name for name in label_ids if name not in known]:
                raise InputError(f'synthesis.source.label_ids: there is no class "{unknown[0]}"{nearest(unknown[0], known)}')
            if lacking := [name for name in known if name not in label_ids]:
                raise InputError(f'synthesis.source.label_ids has no label of the class "{lacking[0]}"')
            return [label_ids[name] for name in known]
        if label_ids is not None and len(label_ids) != len(known):
            raise InputError(f'synthesis.source.label_ids has {len(label_ids)} labels for {len(known)} classes')
        return list(range(len(known)) if label_ids is None else label_ids)

    def _size(self, size: int | None) -> int:
        """Height and width in pixels that the pipeline samples."""
        own, factor, name = own_size(self.pipeline), scale_factor(self.pipeline), type(self.pipeline).__name__
        if size is None and own is None:
            raise InputError(f'synthesis.source.size is missing: {name} states no size of its samples')
        if size is not None and self.labels is not None and own not in (None, size):
            raise InputError(f'synthesis.source.size: this {name} samples images of {own} px only, got {size}')
        size = own if size is None else size
        if size % factor:
            raise InputError(f'synthesis.source.size must be a multiple of {factor} for this model, got {size}')
        return size

    def _check_condition(self) -> None:
        """Check that the labels exist, and log which prompts are truncated."""
        if self.labels is None:
            if self.strength != 0:
                say_cut_prompts(self.pipeline, self.prompts)
            return
        number = number_of_labels(self.pipeline)
        if wrong := [label for label in self.labels if label < 0 or (number is not None and label >= number)]:
            raise InputError(f'synthesis.source.label_ids: the model has {number} labels, 0 to {(number or 0) - 1}, got {wrong[0]}')


def _checksum(content: Any) -> str:
    return sha256_of(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
