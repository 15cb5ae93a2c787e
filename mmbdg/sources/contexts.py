"""Contextualised prompts of a class (background, lighting, camera angle, relation): from slots, from a file, or from a language model."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count

import numpy as np

from mmbdg.addressed import generator_at
from mmbdg.errors import InputError
from mmbdg.reading import read_lines
from mmbdg.sources.answer_list import continued, listed_answers
from mmbdg.sources.class_list import ImageClass
from mmbdg.sources.language_model import LanguageModel
from mmbdg.sources.prompt_file import PLACEHOLDER
from mmbdg.sources.prompt_slots import CLASS, PLACE, Slots

TRIES = 200
"""Largest number of consecutive draws from the slots that repeat earlier prompts."""
KINDS = {
    'class': 'a photo of a {class}',
    'background': 'a photo of a {class} in a setting such as: {background}; {lighting}; {angle}',
    'relation': 'a photo of a {class} that stands in a relation to something else, such as: {relation}',
}
"""Descriptions of the requested captions by kind; slots are filled at the address of the request."""
REQUEST = (
    'Write {count} different short captions of photos, as a numbered list. Each caption is one line, contains the words "{class}", and '
    'describes {kind}.\n'
    'Captions that contain the words "alarm clock":\n'
    '1. an alarm clock on a bedside table in the light of the morning\n'
    '2. a red alarm clock next to a stack of books, seen from above\n'
    'Captions that contain the words "{class}":\n'
    '1.'
)
"""Request for captions; text and examples are this package's own."""


def put_in(text: str, place: str, one: ImageClass) -> str:
    """Put a class with its sense into a text; the article "a" becomes "an" before a vowel."""
    before, _, after = text.partition(place)
    if one.text[:1].lower() in 'aeiou' and (before in ('a ', 'A ') or before.endswith(' a ')):
        before = f'{before[:-1]}n '
    return f'{before}{one.text}{after}'


def from_slots(slots: Slots, one: ImageClass, seed: int) -> Iterator[str]:
    """Endless stream of contexts of a class; context i has the address (seed, class id, i). Contexts may repeat."""
    for i in count():
        rng = generator_at('context', seed, one.id, i)
        form = slots.forms[rng.integers(len(slots.forms))]
        yield put_in(_filled(form, slots, rng), f'{{{CLASS}}}', one)


def _filled(form: str, slots: Slots, rng: np.random.Generator) -> str:
    """A form with its slots filled; the placeholder of the class stays."""
    for name in dict.fromkeys(PLACE.findall(form)):
        if name != CLASS:
            form = form.replace(f'{{{name}}}', slots.slots[name][rng.integers(len(slots.slots[name]))])
    return form


def read_templates(path: str) -> list[str]:
    """Read texts with one ``{}`` for the class, one in each line.

    Raises:
        InputError: The file is empty, or a line does not have exactly one ``{}``.
    """
    lines = list(dict.fromkeys(read_lines(path)))
    if not lines:
        raise InputError(f'{path} has no prompts: it holds one text in each line, with {PLACEHOLDER} for the class')
    if wrong := [line for line in lines if line.count(PLACEHOLDER) != 1]:
        raise InputError(f'{path}: each line has exactly one {PLACEHOLDER} for the class, got "{wrong[0]:.120}"')
    return lines


def from_templates(templates: Sequence[str], one: ImageClass, seed: int) -> Iterator[str]:
    """Each template once, in an order drawn at (seed, class id)."""
    for i in generator_at('templates', seed, one.id).permutation(len(templates)):
        yield put_in(templates[i], PLACEHOLDER, one)


def from_language_model(
    model: LanguageModel,
    slots: Slots,
    one: ImageClass,
    seed: int,
    kinds: dict[str, float],
    each: int,
    tries: int,
    most_requests: int,
    request: str = REQUEST,
) -> Iterator[str]:
    """Captions of a class by a language model; request i has the address (seed, class id, i).

    The sense of the class is inserted behind its name if a caption lacks it. Captions without the name are left out.

    Args:
        model: The language model.
        slots: Slots from which settings and relations of a request are drawn.
        one: The class.
        seed: Seed of requests and answers.
        kinds: Weight of each kind of request of :data:`KINDS`.
        each: Number of captions of one request.
        tries: Number of attempts for a request whose answer has no list.
        most_requests: Largest number of requests.
        request: Text of a request, with ``{class}``, ``{kind}`` and ``{count}``.

    Raises:
        InputError: ``tries`` answers in a row have no list.
    """
    names, weights = list(kinds), list(kinds.values())
    for i in range(most_requests):
        rng = generator_at('request', seed, one.id, i)
        kind = KINDS[names[rng.choice(len(names), p=[weight / sum(weights) for weight in weights])]]
        described = _filled(kind, slots, rng)
        asked = request.replace('{kind}', described).replace('{count}', str(each)).replace(f'{{{CLASS}}}', one.name)
        for entry in _answered(model, asked, one, (seed, one.id, i), tries):
            if (caption := _with_sense(entry, one)) is not None:
                yield caption


def _answered(model: LanguageModel, asked: str, one: ImageClass, address: tuple, tries: int) -> list[str]:
    for attempt in range(tries):
        answer = continued(asked, model.answer(asked, 'captions', *address, attempt))
        try:
            return listed_answers(answer, f'captions of "{one.name}"')
        except InputError:
            if attempt == tries - 1:
                raise
    return []


def _with_sense(caption: str, one: ImageClass) -> str | None:
    """Insert a missing sense behind the class's name (singular or plural) in a caption; None if the caption lacks the name."""
    found = re.search(rf'\b{re.escape(one.name)}(?:s|es)?\b', caption, re.IGNORECASE)
    if not found:
        return None
    if one.sense.lower() in caption.lower():
        return caption
    return f'{caption[: found.end()]} ({one.sense}){caption[found.end() :]}'


def distinct(texts: Iterable[str], number: int, one: ImageClass, where: str, finish: Callable[[str, int], str]) -> list[str]:
    """Collect the first ``number`` different texts; each is completed by a function of its index.

    Raises:
        InputError: There are too few different texts.
    """
    found: dict[str, str] = {}
    repeated = 0
    for text in texts:
        done = finish(text, len(found))
        if done.lower() in found:
            repeated += 1
            if repeated >= TRIES:
                break
            continue
        repeated, found[done.lower()] = 0, done
        if len(found) == number:
            return list(found.values())
    raise InputError(
        f'{where} gives only {len(found)} different prompts of the class "{one.id}" ({one.text}), and {number} are needed: '
        'lower per_class, or give more forms, values or styles'
    )
