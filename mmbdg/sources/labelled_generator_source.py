"""The labelled generator as a source (BigDatasetGAN, section 3)."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import print_log
from torch import Tensor

from mmbdg.calling import as_called
from mmbdg.files import sha256
from mmbdg.generators import Coarse
from mmbdg.registry import SOURCES
from mmbdg.sources.base import Drawn, LabelledBatch, Source
from mmbdg.sources.judge import Judge
from mmbdg.sources.labelled_generator import CARD, LabelledGenerator, check_bound
from mmbdg.sources.truncation import Truncation
from mmbdg.storage.catalogue import Catalogue


@SOURCES.register_module()
class LabelledGeneratorSource(Source):
    """A source with the samples of a :class:`~mmbdg.sources.LabelledGenerator`.

    Args:
        labelled_generator: Name or folder of a labelled generator, see :meth:`LabelledGenerator.load`.
        truncation: Truncation of the latents, see :class:`~mmbdg.sources.Truncation`. Default: "default", for the
            labelled generator's value.
        ignore_above: Disagreement in nats above which a mask pixel gets the ignore value. Default: None, for the labelled
            generator's value.
        precision: Precision of the computation, "float32", "bfloat16" or "float16", see
            :class:`~mmbdg.generators.frozen.Frozen`. Default: "float32".
        compile: Whether torch compiles the generator. The compiled code can depend on earlier batches, so datasets are
            identical byte by byte only without it. Default: False.
        seed: Seed of the latents. Default: 0.

    Raises:
        InputError: There is no such labelled generator, a file of it does not fit, or a value is out of its range.
    """

    def __init__(
        self,
        labelled_generator: str,
        truncation: Mapping | float | str | None = 'default',
        ignore_above: float | None = None,
        precision: str = 'float32',
        compile: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        self.check(labelled_generator, truncation, ignore_above)
        generator = LabelledGenerator.load(labelled_generator, precision=precision, compile=compile)
        generator.seed = seed
        if ignore_above is not None:
            generator.ignore_above = ignore_above
        if truncation != 'default':
            generator.truncation = truncation
        self.generator, self.folder = generator, LabelledGenerator.find(labelled_generator)
        self.precision, self.compile = precision, compile
        self.draws_state, self.most_disagreement = generator.draws_tokens, generator.most_disagreement
        self.catalogue = Catalogue(
            generator.classes, generator.folders, generator.labels, generator.ignore, generator.resolution, generator.licence
        )

    @staticmethod
    def check(
        labelled_generator: str, truncation: Mapping | float | str | None = 'default', ignore_above: float | None = None, **_: Any
    ) -> None:
        """Check the arguments without reading a file.

        Raises:
            InputError: An argument is invalid.
        """
        check_bound(ignore_above)
        if truncation != 'default':
            Truncation.of(truncation)

    def to(self, device: Any) -> 'LabelledGeneratorSource':
        self.generator.to(device)
        return super().to(device)

    def draw(self, class_id: int, indices: Sequence[int]) -> Drawn:
        class_ids = [class_id] * len(indices)
        latents = self.generator.latents(class_ids, indices)
        images = self.generator.images(class_ids, indices, latents)
        return Drawn(images, latents if self.draws_state else None, self._records(indices))

    def judge(self, path: str | None = None) -> Judge:
        judge = self.generator.judge(path or self.folder, self.folder / 'generator.safetensors')
        if judge.truncation != self.generator.truncation:
            print_log(
                f'the judge {judge.weights} was trained on samples with truncation {judge.truncation}, and these have '
                f'{self.generator.truncation}: its ranking may be worse. Compare by {as_called("tools/compare_rejection.py")}, or train '
                'another judge',
                'current',
                logging.WARNING,
            )
        return judge

    def draw_coarse(self, class_id: int, indices: Sequence[int], block: str) -> Coarse:
        return self.generator.coarse([class_id] * len(indices), indices, block)

    def draw_fine(self, class_id: int, indices: Sequence[int], coarse: Coarse) -> Drawn:
        return Drawn(self.generator.finished(coarse), None, self._records(indices))

    def label(self, class_id: int, indices: Sequence[int], state: Tensor | None = None) -> LabelledBatch:
        class_ids = [class_id] * len(indices)
        latents = self.generator.latents(class_ids, indices) if state is None else state
        batch = self.generator.label(class_ids, indices, latents)
        return batch._replace(state=latents if self.draws_state else None, records=self._records(indices))

    def identity(self) -> dict[str, dict[str, Any]]:
        generator = self.generator
        return dict(
            config=dict(
                type='mmbdg.LabelledGeneratorSource',
                truncation=generator.truncation,
                ignore_above=generator.ignore_above,
                precision=self.precision,
                compile=self.compile,
            ),
            checksums={name: sha256(self.folder / name) for name in (CARD, 'generator.safetensors', 'interpreter.safetensors')},
            versions={},
        )

    def _records(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        return [dict(truncation=self.generator.truncation) for _ in indices]
