"""Candidates for the meaning of a class's name, from a file, a language model or a config."""

from collections.abc import Mapping, Sequence

from mmbdg.errors import InputError, nearest
from mmbdg.reading import read_json
from mmbdg.schema import validated
from mmbdg.sources.answer_list import continued, listed_answers
from mmbdg.sources.class_list import ClassList, ImageClass
from mmbdg.sources.language_model import LanguageModel

REQUEST = (
    'A word can mean several things that one can take a photo of. List {count} different meanings of "{name}". Describe each meaning in '
    'one to five words, as a numbered list, without explanations.\n'
    'Meanings of "crane":\n1. a large bird with long legs\n2. a machine that lifts loads\n'
    'Meanings of "{name}":\n1.'
)
"""Request for the meanings of a name. The text is this package's own; that of the paper was not available."""


def given_candidates(candidates: str | Mapping[str, Sequence[str]], classes: ClassList) -> dict[str, list[str]]:
    """Read candidates by class id, from a dict or a JSON file ``{"boot": ["footwear", "luggage space of a car"], ...}``.

    Raises:
        InputError: The content has another structure, is empty, names an unknown class, or has an empty candidate.
    """
    where = candidates if isinstance(candidates, str) else 'candidates'
    content = read_json(candidates) if isinstance(candidates, str) else dict(candidates)
    validated(dict[str, list[str]], content, where)
    if not content:
        raise InputError(f'{where} has no candidates')
    if unknown := [name for name in content if name not in classes.ids]:
        raise InputError(f'{where} names the class "{unknown[0]}", which is not in the list of classes{nearest(unknown[0], classes.ids)}')
    if blank := [name for name, texts in content.items() if not all(text.strip() for text in texts)]:
        raise InputError(f'{where}: a candidate of the class "{blank[0]}" is empty')
    return {name: list(dict.fromkeys(text.strip() for text in texts)) for name, texts in content.items()}


def asked_candidates(model: LanguageModel, one: ImageClass, count: int, request: str = REQUEST, seed: int = 0) -> list[str]:
    """Request at most ``count`` candidates of a class from a language model.

    Raises:
        InputError: The answer has no list.
    """
    asked = request.replace('{count}', str(count)).replace('{name}', one.name)
    answer = continued(asked, model.answer(asked, 'senses', seed, one.id))
    return listed_answers(answer, f'meanings of "{one.name}"')[:count]
