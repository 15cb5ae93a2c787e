"""The plan of a round of synthesis: how many samples of each class a learner needs next, and from which index on.

A round is a dataset of its own. Its samples have other indices than those of the earlier rounds, which have the same seed, so that no
sample is made twice. ``tools/plan_round.py`` writes plans, ``tools/synthesize.py --plan`` follows them.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from mmbdg.errors import InputError, listed, nearest
from mmbdg.reading import read_json
from mmbdg.schema import Schema, Text, validated
from mmbdg.storage.checksums import KEY, Checksum, checksum, is_sealed
from mmbdg.storage.layout import canonical
from mmbdg.storage.stored import StoredDataset
from mmbdg.synthesis.apportion import apportion
from mmbdg.synthesis.plan import MOST, MOST_CANDIDATES

Index = Annotated[int, Field(ge=0, le=MOST_CANDIDATES)]
Percent = Annotated[float, Field(ge=0, le=100)]
SKIP = 'skip'
"""Value of ``missing``: classes without a score get no samples."""


class Rule(Schema):
    """How the numbers follow from the scores.

    Args:
        power: Samples are in proportion to weakness ** power, at least 0. 0: equal numbers in all classes.
        minimum: Smallest number of samples of a class.
        missing: Score in percent that is assumed for classes without one; "skip": they get no samples; None: they are an error.
    """

    power: Annotated[float, Field(ge=0, le=100)]
    minimum: Annotated[int, Field(ge=0, le=MOST['num_per_class'])]
    missing: Percent | Literal['skip'] | None = None


class EarlierRound(Schema):
    """Dataset of an earlier round.

    Args:
        dataset: Name of its folder.
        blake2b: Checksum of its ``dataset.json``.
        samples: Number of its samples.
        ends: For each class, the index after its last candidate.
    """

    dataset: Text
    blake2b: Checksum
    samples: Annotated[int, Field(ge=0)]
    ends: dict[Text, Index]


class ClassOfRound(Schema):
    """A class of a round.

    Args:
        name: Name of the class.
        score: Score of the learner in percent, measured or assumed.
        weakness: 1 - score / 100.
        first: Index of the first candidate of the class.
        samples: Number of samples to make.
    """

    name: Text
    score: Percent
    weakness: Annotated[float, Field(ge=0, le=1)]
    first: Index
    samples: Annotated[int, Field(ge=0, le=MOST['num_per_class'])]


class RoundPlan(Schema):
    """Content of the file.

    Args:
        round: Number of the round: the number of earlier rounds.
        seed: Seed of the samples.
        total: Number of samples of the round.
        rule: How the numbers follow from the scores.
        figure: Name of the score, e.g. "IoU".
        result: What the scores were read from: ``file``, ``sha256``, ``config``, ``checkpoint_sha256``, ``test_set``.
        earlier: The earlier rounds.
        classes: The classes of the round.
    """

    round: Annotated[int, Field(ge=0)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    total: Annotated[int, Field(ge=1, le=MOST['num_per_class'])]
    rule: Rule
    figure: Text
    result: dict
    earlier: Annotated[list[EarlierRound], Field(max_length=10_000)]
    classes: Annotated[list[ClassOfRound], Field(min_length=1)]


def plan_round(
    scores: Mapping[str, float | None],
    total: int,
    rule: Rule,
    earlier: Sequence[str | os.PathLike] = (),
    seed: int | None = None,
    figure: str = 'IoU',
    result: Mapping[str, Any] = {},
) -> dict[str, Any]:
    """Plan a round of synthesis.

    Args:
        scores: Scores of the learner in percent, by class; None if a class was not measured.
        total: Number of samples.
        rule: How the numbers follow from the scores.
        earlier: Folders of the finished datasets of all earlier rounds, in their order. Default: ().
        seed: Seed of the samples. Default: None, for that of the earlier rounds; 0 without any.
        figure, result: What the scores are, and where they are from; only recorded.

    Returns:
        Content of a :class:`RoundPlan`.

    Raises:
        InputError: A class is unknown in the earlier rounds or has no score; the total is too small for the minimum; an earlier round is
            unfinished or damaged, has another seed, or shares samples with another one.
    """
    validated(dict[str, Percent | None], dict(scores), 'the scores')
    done, known, used = _earlier_rounds(earlier)
    if used is not None and seed not in (None, used):
        raise InputError(f'the earlier rounds have seed {used}, not {seed}: all rounds need one seed, so that no sample is made twice')
    if known and (unknown := [name for name in scores if name not in known]):
        raise InputError(
            f'the result has {len(unknown)} classes that {done[0]["dataset"]} does not know: {", ".join(unknown[:5])}'
            f'{nearest(unknown[0], known) or "."} Its classes: {", ".join(known[:20])}{", ..." if len(known) > 20 else ""}'
        )
    found = _assumed({name: scores.get(name) for name in (known or scores)}, rule)
    weakness = {name: 1 - score / 100 for name, score in found.items()}
    samples = apportion(total, [value**rule.power for value in weakness.values()], rule.minimum)
    firsts = {name: max((one['ends'].get(name, 0) for one in done), default=0) for name in found}
    classes = [
        dict(name=name, score=score, weakness=round(weakness[name], 6), first=firsts[name], samples=number)
        for (name, score), number in zip(found.items(), samples, strict=True)
    ]
    made = dict(result=dict(result), earlier=done, classes=classes)
    content = dict(round=len(done), seed=used if used is not None else seed or 0, total=total, rule=rule.model_dump(), figure=figure) | made
    return _checked(content, 'the plan')


def read_round(path: str | os.PathLike) -> dict[str, Any]:
    """Read a plan, and return the keys of :class:`~mmbdg.synthesis.Synthesis` that follow from it.

    Raises:
        InputError: The file is no plan, or it contradicts itself.
    """
    content = _checked(read_json(path), str(path))
    return dict(
        num_per_class={one['name']: one['samples'] for one in content['classes']},
        classes=None,
        first={one['name']: one['first'] for one in content['classes'] if one['first']} or None,
        seed=content['seed'],
        round_plan=checksum(canonical(content).encode()),
    )


def _checked(content: Any, where: str) -> dict[str, Any]:
    """Check what a schema cannot: a person may have edited the plan."""
    plan, wrong = validated(RoundPlan, content, where), []
    names = [one['name'] for one in plan['classes']]
    wrong += [f'the class {name} occurs twice' for name in sorted({name for name in names if names.count(name) > 1})]
    if (made := sum(one['samples'] for one in plan['classes'])) != plan['total']:
        wrong.append(f'the samples of the classes add up to {made:,}, but total is {plan["total"]:,}')
    if plan['round'] != len(plan['earlier']):
        wrong.append(f'it is round {plan["round"]}, but names {len(plan["earlier"])} earlier rounds')
    for one in plan['classes']:
        if one['samples'] < plan['rule']['minimum']:
            wrong.append(f'{one["name"]} has {one["samples"]:,} samples, but the minimum is {plan["rule"]["minimum"]:,}')
        for other in plan['earlier']:
            if one['first'] < (end := other['ends'].get(one['name'], 0)):
                wrong.append(f'{one["name"]} begins at {one["first"]:,}, but {other["dataset"]} has its candidates up to {end - 1:,}')
    if wrong:
        raise InputError(f'{where} contradicts itself: {listed(wrong)}. Correct it, or make it again with tools/plan_round.py')
    return plan


def _assumed(scores: Mapping[str, float | None], rule: Rule) -> dict[str, float]:
    """Return the scores with those that the rule assumes for missing ones."""
    missing = [name for name, score in scores.items() if score is None]
    if missing and rule.missing is None:
        names = f'{", ".join(missing[:5])}{", ..." if len(missing) > 5 else ""}'
        raise InputError(
            f'the result has no score of {len(missing)} classes ({names}): the test set has no image of them, or the learner does not know '
            'them. --missing 0 (any percentage) assumes a score, --missing skip makes no samples of them'
        )
    if rule.missing == SKIP:
        found = {name: float(score) for name, score in scores.items() if score is not None}
    else:
        found = {name: float(rule.missing if score is None else score) for name, score in scores.items()}
    if not found:
        raise InputError('the result has no score of any class')
    return found


def _earlier_rounds(folders: Sequence[str | os.PathLike]) -> tuple[list[dict], tuple[str, ...], int | None]:
    """Return the entries of earlier rounds, the names of their classes and their seed."""
    done: list[dict] = []
    taken: dict[str, list[tuple[int, int, str]]] = {}
    known: tuple[str, ...] = ()
    seed = None
    for folder in map(Path, folders):
        stored = StoredDataset(folder)
        info, catalogue = stored.info, stored.catalogue
        own, size, first = (info.get('config', {}).get(key) for key in ('seed', 'candidates', 'first'))
        if not is_sealed(info) or type(own) is not int or type(size) is not int or size < 1:
            raise InputError(f'{folder} is damaged, or no dataset of tools/synthesize.py of this version: python tools/verify.py {folder}')
        validated(dict[str, Index] | None, first, f'{folder}, config.first,')
        if known and catalogue.classes != known:
            raise InputError(f'{folder} has other classes than {folders[0]}: rounds are made from one source')
        if seed is not None and own != seed:
            raise InputError(f'{folder} has seed {own}, {folders[0]} has seed {seed}: rounds need one seed')
        known, seed, ends = catalogue.classes, own, {}
        for class_id, (name, class_folder) in enumerate(zip(catalogue.classes, catalogue.folders, strict=True)):
            tried = info['filters'].get(class_folder, {}).get('candidates', 0)
            begin = (first or {}).get(name, (first or {}).get(class_folder, 0))
            end = begin + -(-tried // size) * size  # up to the end of the last block
            numbers = stored.index.numbers[stored.index.class_ids == class_id]
            if len(numbers) and not begin <= numbers.min() <= numbers.max() < end:
                raise InputError(
                    f'{folder} is damaged: samples of {name} lie outside the indices {begin:,} to {end - 1:,} of its candidates'
                )
            for other_begin, other_end, other in taken.get(name, ()):
                if tried and begin < other_end and other_begin < end:
                    raise InputError(
                        f'{folder} and {other} share samples of {name}: they are no rounds of one plan, or one is listed twice'
                    )
            if tried:
                taken.setdefault(name, []).append((begin, end, str(folder)))
                ends[name] = end
        name = Path(os.path.abspath(folder)).name
        done.append({'dataset': name, KEY: info[KEY], 'samples': sum(info['counts'].values()), 'ends': ends})
    return done, known, seed
