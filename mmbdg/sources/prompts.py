"""Contextualised and stylised prompts of each class, written to a file by tools/prompts.py."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from tqdm import tqdm

from mmbdg.addressed import generator_at
from mmbdg.assets import resolve
from mmbdg.compat.config_keys import Role, register_part
from mmbdg.errors import InputError, nearest
from mmbdg.files import sha256
from mmbdg.schema import Schema, validated
from mmbdg.sources.answer_list import continued, listed_answers
from mmbdg.sources.class_list import ClassList, ImageClass
from mmbdg.sources.class_parts import ClassParts
from mmbdg.sources.contexts import KINDS, REQUEST, distinct, from_language_model, from_slots, from_templates, read_templates
from mmbdg.sources.language_model import LanguageModel, LanguageModelConfig
from mmbdg.sources.prompt_file import check_prompts, write_prompts
from mmbdg.sources.prompt_slots import SLOTS, Slots, read_slots
from mmbdg.sources.senses import check_told_apart

SHARES = {'class': 0.44, 'background': 0.45, 'relation': 0.11}
"""Weights of the kinds of requests, as in the code of "The Unmet Promise"."""
STYLE_REQUEST = (
    'List {count} different styles in which a picture can be made. Begin each with "as", as a numbered list.\n1. as an oil painting\n2.'
)
"""Request for styles; the text is this package's own."""
Positive = Annotated[int, Field(ge=1)]


class PromptPlan(Schema):
    """Settings of prompts: contexts from slots, from a file of templates or from a language model, and styles.

    Args:
        classes: See :class:`~mmbdg.sources.class_list.ClassList`; no two may have the same text.
        per_class: Number of different prompts of each class.
        style_prob: Probability that a prompt ends in a style, 0 to 1. Default: 0. It is drawn at the address (seed, class id, index).
        styles: List of styles, or the number of styles requested from the language model. Default: None, the styles of ``slots``.
        slots: File of forms, slots and styles, see :mod:`mmbdg.sources.prompt_slots`. Default: the embedded one.
        file: Text file with a template with ``{}`` in each line, used instead of the slots.
        language_model: Arguments of :meth:`~mmbdg.sources.language_model.LanguageModel.load`, used instead of the slots.
        kinds: Weights of the kinds of requests, "class", "background" and "relation".
        captions_per_request: Number of captions of one request. Default: 10.
        tries: Number of attempts for a request whose answer has no list. Default: 3.
        most_requests: Largest number of requests for a class. Default: 4 times the number that ``per_class`` needs, and at least 8.
        request: Request for captions, with ``{class}``, ``{kind}`` and ``{count}``.
        seed: Seed of all draws.

    Raises:
        InputError: (in ``from_config``) A key is unknown or has a wrong type, or keys do not fit together.
    """

    classes: str | list[Any]
    per_class: Positive
    style_prob: Annotated[float, Field(ge=0, le=1)] = 0.0
    styles: list[str] | Positive | None = None
    slots: str = SLOTS
    file: str | None = None
    language_model: LanguageModelConfig | None = None
    kinds: dict[str, Annotated[float, Field(gt=0)]] = Field(default=SHARES, min_length=1)
    captions_per_request: Positive = 10
    tries: Positive = 3
    most_requests: Positive | None = None
    request: str = REQUEST
    seed: Annotated[int, Field(ge=0)] = 0

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> 'PromptPlan':
        """Check the keys of ``prompts=dict(...)``."""
        validated(cls, dict(config), 'prompts')
        plan = cls(**config)
        if plan.file is not None and plan.language_model is not None:
            raise InputError('prompts has file and language_model; contexts come from one of them')
        if isinstance(plan.styles, int) and plan.language_model is None:
            raise InputError('prompts.styles is a number, which asks a language model for styles; give prompts.language_model, or a list')
        if unknown := [kind for kind in plan.kinds if kind not in KINDS]:
            raise InputError(f'prompts.kinds has "{unknown[0]}"{nearest(unknown[0], KINDS)}; there are {", ".join(KINDS)}')
        if missing := [place for place in ('{class}', '{kind}') if place not in plan.request]:
            raise InputError(f'prompts.request does not contain {missing[0]}')
        if plan.style_prob and plan.styles == []:
            raise InputError('prompts.style_prob is above 0 and prompts.styles is empty')
        return plan

    def run(self, out: str, device: str = 'cpu', force: bool = False) -> dict[str, list[str]]:
        """Make the prompts of all classes and write them to a file. An interrupted run is resumed.

        Returns:
            Prompts by class id.

        Raises:
            InputError: The settings do not fit together, there are too few different prompts, or an answer of the language model has no
                list. No file is written then.
        """
        classes, slots = ClassList(self.classes), read_slots(self.slots)
        check_told_apart(classes)
        templates = read_templates(self.file) if self.file is not None else None
        model = LanguageModel.load(**self.language_model.model_dump(), device=device) if self.language_model else None
        styles = self._styles(slots, model)
        made_by = dict(
            tool='prompts',
            contexts='file' if templates else 'language model' if model else 'slots',
            language_model=model.identity if model else None,
            **({'request': self.request, 'kinds': self.kinds, 'captions_per_request': self.captions_per_request} if model else {}),
            per_class=self.per_class,
            style_prob=self.style_prob,
            styles=styles if self.style_prob else [],
            slots_sha256=sha256(resolve(self.slots)),
            seed=self.seed,
        )
        # The slots have many values: the plan contains them, the file of prompts only their checksum.
        parts = ClassParts(out, made_by | dict(classes=classes.plain(), slots=slots.model_dump(), templates=templates), force)
        prompts = {}
        for one in tqdm(classes, desc='prompts', unit='class', leave=False):
            known = parts.get(one.id)
            prompts[one.id] = parts.put(one.id, self._prompts(one, slots, templates, model, styles)) if known is None else known
        parts.finish(lambda path: write_prompts(path, prompts, made_by))
        return prompts

    def _styles(self, slots: Slots, model: LanguageModel | None) -> list[str]:
        if isinstance(self.styles, int) and model is not None:
            request = STYLE_REQUEST.replace('{count}', str(self.styles))
            return listed_answers(continued(request, model.answer(request, 'styles', self.seed)), 'styles')[: self.styles]
        styles = slots.styles if self.styles is None else list(self.styles)
        if self.style_prob and not styles:
            raise InputError(f'prompts.style_prob is above 0, and {self.slots} has no styles')
        return styles

    def _prompts(
        self, one: ImageClass, slots: Slots, templates: list[str] | None, model: LanguageModel | None, styles: list[str]
    ) -> list[str]:
        if templates is not None:
            where, contexts = str(self.file), from_templates(templates, one, self.seed)
        elif model is not None:
            most = self.most_requests or max(8, 4 * -(-self.per_class // self.captions_per_request))
            where = f'the language model, asked {most} times,'
            contexts = from_language_model(
                model, slots, one, self.seed, dict(self.kinds), self.captions_per_request, self.tries, most, self.request
            )
        else:
            where, contexts = self.slots, from_slots(slots, one, self.seed)

        def stylised(context: str, index: int) -> str:
            rng = generator_at('style', self.seed, one.id, index)
            return f'{context}, {styles[rng.integers(len(styles))]}' if rng.random() < self.style_prob else context

        made = distinct(contexts, self.per_class, one, where, stylised)
        check_prompts(made, one, where)
        return made


register_part(
    'prompts',
    Role(known=lambda: frozenset(PromptPlan.model_fields), parts=dict(language_model='language_model'), rest='data'),
)
