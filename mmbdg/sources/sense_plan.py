"""Settings and main loop of tools/class_senses.py."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from tqdm import tqdm

from mmbdg.compat.config_keys import Role, register_part
from mmbdg.embedders import build_embedder, embedder_class
from mmbdg.errors import InputError
from mmbdg.schema import Schema, validated
from mmbdg.sources.class_images import open_class_images
from mmbdg.sources.class_list import ClassList
from mmbdg.sources.class_parts import ClassParts
from mmbdg.sources.language_model import LanguageModel, LanguageModelConfig
from mmbdg.sources.sense_candidates import REQUEST, asked_candidates, given_candidates
from mmbdg.sources.sense_choice import TEMPLATES, choose, settled
from mmbdg.sources.senses import NOBODY, ClassSenses, write_senses

Positive = Annotated[int, Field(ge=1)]


class SensePlan(Schema):
    """Settings for finding the senses of class names.

    Args:
        classes: See :class:`~mmbdg.sources.class_list.ClassList`.
        candidates: Candidates by class id, or a JSON file of them.
        language_model: Arguments of :meth:`~mmbdg.sources.language_model.LanguageModel.load`, used for the classes that
            ``candidates`` lacks. Default: None, these classes have no candidates.
        num_candidates: Largest number of requested candidates. Default: 4.
        request: Request with ``{name}`` and ``{count}``.
        curated: Whether ImageNet classes keep their curated names. Default: True.
        images: Real images, see :func:`~mmbdg.sources.class_images.open_class_images`; None: nothing is chosen.
        num_images: Number of images of each class. Default: 16.
        embedder: Config of an embedder of images and texts; required with ``images``.
        templates: Templates of the compared texts.
        seed: Seed of the choice of images and of the language model.

    Raises:
        InputError: (in ``from_config``) A key is unknown or has a wrong type, or keys do not fit together.
    """

    classes: str | list[Any]
    candidates: str | dict[str, list[str]] | None = None
    language_model: LanguageModelConfig | None = None
    num_candidates: Positive = 4
    request: str = REQUEST
    curated: bool = True
    images: str | dict[str, Any] | None = None
    num_images: Positive = 16
    embedder: dict[str, Any] | None = None
    templates: list[str] = Field(default=list(TEMPLATES), min_length=1)
    seed: Annotated[int, Field(ge=0)] = 0

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> 'SensePlan':
        """Check the keys of ``senses=dict(...)``."""
        validated(cls, dict(config), 'senses')
        plan = cls(**config)
        if plan.images is not None and plan.embedder is None:
            raise InputError(
                'senses.images needs senses.embedder, dict(type="mmbdg.OpenCLIP", folder=...), to compare candidates with them'
            )
        if plan.embedder is not None and not embedder_class(plan.embedder, 'senses.embedder').reads_text:
            raise InputError(f'senses.embedder is {plan.embedder["type"]}, which reads no texts; use mmbdg.OpenCLIP')
        if '{name}' not in plan.request:
            raise InputError("senses.request does not contain {name}, the place of the class's name")
        return plan

    def run(self, out: str, device: str = 'cpu', force: bool = False) -> list[ClassSenses]:
        """Find the senses of all classes and write them to a file. An interrupted run is resumed.

        Raises:
            InputError: The settings do not fit together, or an answer of the language model has no list; see also :class:`ClassParts`.
        """
        classes = ClassList(self.classes)
        given = given_candidates(self.candidates, classes) if self.candidates is not None else {}
        images = open_class_images(self.images, classes, 'senses.images') if self.images is not None else None
        embedder = build_embedder(self.embedder, device, 'senses.embedder') if self.embedder is not None else None
        model = LanguageModel.load(**self.language_model.model_dump(), device=device) if self.language_model else None
        made_by = dict(
            tool='class_senses',
            candidates=given,
            language_model=model.identity if model else None,
            **({'num_candidates': self.num_candidates, 'request': self.request} if model else {}),
            curated=self.curated,
            num_images=self.num_images,
            embedder=embedder.identity() if embedder else None,
            templates=list(self.templates),
            seed=self.seed,
        )
        parts, found = ClassParts(out, made_by | dict(classes=classes.plain()), force), []
        for one in tqdm(classes, desc='class names', unit='class', leave=False):
            known = parts.get(one.id)
            if known is None:
                senses = settled(one, self.curated)
                if senses is None:
                    candidates = given.get(one.id) or (
                        asked_candidates(model, one, self.num_candidates, self.request, self.seed) if model else []
                    )
                    real = images.some(one, self.num_images, self.seed) if images and candidates else []
                    senses = choose(one, candidates, real, embedder, self.templates)
                known = parts.put(one.id, senses.model_dump())
            found.append(ClassSenses(**known))
        parts.finish(lambda path: write_senses(path, found, made_by))
        return found


register_part(
    'senses',
    Role(
        known=lambda: frozenset(SensePlan.model_fields),
        parts=dict(language_model='language_model', images='dataset', embedder='embedder'),
        rest='data',
    ),
)


def summary(senses: list[ClassSenses]) -> list[str]:
    """Summary: number of classes by kind of decision, and the undecided classes."""
    counts: dict[str, int] = {}
    for entry in senses:
        counts[entry.decided_by] = counts.get(entry.decided_by, 0) + 1
    lines = [f'{len(senses)} classes: ' + ', '.join(f'{count} decided by {by}' for by, count in counts.items())]
    open_ones = [entry.name for entry in senses if entry.decided_by == NOBODY and entry.candidates]
    if open_ones:
        lines.append(f'not decided (no real images): {", ".join(open_ones[:10])}{" ..." if len(open_ones) > 10 else ""}')
    return lines
