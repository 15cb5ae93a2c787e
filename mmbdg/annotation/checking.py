"""Checks of a set of annotated latents: problems that prevent training on it, and warnings."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mmbdg.annotation.file_tree import FileTree
from mmbdg.annotation.importing import part_of
from mmbdg.annotation.mask_values import BACKGROUND, FOREGROUND, IGNORE, read_values
from mmbdg.annotation.sampled import Sampled, decode_latent, find_sets, most_common, read_samples
from mmbdg.errors import InputError

LEAST, MOST = 0.01, 0.95  # foreground fractions outside this range give a warning


@dataclass
class Check:
    """Result of a check.

    Args:
        name: Name of the set.
        shares: Foreground fraction of each pair, by class id and folder.
        problems: Problems that prevent training on the set.
        warnings: Unusual findings that may be intended.
    """

    name: str
    shares: dict[tuple[int, str], list[float]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Text lines: a table by class, then the warnings."""
        width = max([len(folder) for _, folder in self.shares] + [5])
        lines = [f'set "{self.name}": {sum(map(len, self.shares.values()))} pairs of {len(self.shares)} classes']
        lines.append(f'{"id":>5}  {"class":<{width}}  pairs  foreground: least  mean  most')
        for (class_id, folder), shares in sorted(self.shares.items()):
            least, mean, most = (f'{value:.1%}' for value in (min(shares), float(np.mean(shares)), max(shares)))
            lines.append(f'{class_id:>5}  {folder:<{width}}  {len(shares):>5}  {least:>17} {mean:>5} {most:>5}')
        return lines + [f'warning: {warning}' for warning in self.warnings]


def check_annotated_latents(
    root: str | os.PathLike,
    name: str | None = None,
    resolution: int | None = None,
    latent_dim: int | None = None,
    num_classes: int | None = None,
    allow_missing_classes: bool = False,
) -> Check:
    """Check every file of a set.

    Args:
        root: Folder with ``annotations/`` and ``latents/``.
        name: Name of the set; None: the only one.
        resolution, latent_dim, num_classes: Image side in pixels, latent size and number of classes of the generator; None if unknown:
            then all files must only have equal sizes.
        allow_missing_classes: Whether classes of the generator may have no pairs.

    Raises:
        InputError: The set does not exist.
    """
    root = Path(root)
    masks, latents = part_of(root, 'annotations'), part_of(root, 'latents')
    if masks is None or latents is None:
        raise InputError(f'{root} holds no annotated latents; expected annotations/NAME/<class>/*.png and latents/NAME/<class>/*.npy')
    sets = find_sets(latents)
    if name is None and len(sets) != 1:
        raise InputError(f'{latents.where()} holds the sets {sets}; choose one with --name')
    name = name or sets[0]
    masks, latents = masks.narrowed(name), latents.narrowed(name)
    if masks is None or latents is None:
        raise InputError(f'{root} has no masks, or no latents, of the set "{name}"')
    samples, problems = read_samples(latents, None)
    check = Check(name, problems=[str(problem) for problem in problems])
    known = set(samples) | {problem.stem for problem in problems}
    _check_masks(check, masks, samples, known, resolution)
    _check_latents(check, latents, samples, latent_dim)
    _check_classes(check, samples, num_classes, allow_missing_classes)
    return check


def _check_masks(check: Check, masks: FileTree, samples: dict[str, Sampled], known: set[str], resolution: int | None) -> None:
    shapes, places, ignoring, soft = {}, {}, [], []
    for path in masks.ending_in('.png'):
        *above, file = path.split('/')
        stem, where = file[: -len('.png')], masks.where(path)
        try:
            if stem in places:
                raise InputError(f'the same name as {places[stem]}; names must be unique across classes')
            places[stem] = where
            if stem not in known:
                raise InputError(f'has no latent {stem}.npy')
            if stem in samples and above[-1:] != [samples[stem].folder]:
                raise InputError(f'lies in another class folder than its latent, {samples[stem].folder}')
            values = read_values(masks.read(path))
        except InputError as error:
            check.problems.append(f'{where}: {error}')
            continue
        shapes[where] = values.shape
        foreground = (values != BACKGROUND) & (values != IGNORE)
        ignoring += [stem] if (values == IGNORE).any() else []
        soft += [stem] if not np.isin(values, (BACKGROUND, IGNORE, FOREGROUND, 1)).all() else []
        if not foreground.any():
            check.problems.append(f'{where}: has no foreground')
        elif not LEAST <= foreground.mean() <= MOST:
            check.warnings.append(f'{where}: {foreground.mean():.1%} foreground')
        if stem in samples:
            check.shares.setdefault((samples[stem].class_id, samples[stem].folder), []).append(float(foreground.mean()))
    expected = (resolution, resolution) if resolution else most_common(shapes.values())
    for where, shape in shapes.items():
        if shape != expected:
            source = 'the generator makes' if resolution else 'most masks are'
            check.problems.append(f'{where}: is {shape[1]}x{shape[0]} px, {source} {expected[1]}x{expected[0]}')
    check.problems += [f'{stem}: has a latent and no mask' for stem in sorted(known - set(places) - {''})]
    if ignoring:
        check.warnings.append(f'{_some(ignoring)}: the value {IGNORE} is foreground unless AnnotatedLatents has ignore_value={IGNORE}')
    if soft:
        check.warnings.append(f'{_some(soft)}: other grey values than 0 and 255, all of them foreground')


def _check_latents(check: Check, latents: FileTree, samples: dict[str, Sampled], latent_dim: int | None) -> None:
    first: dict[str, str] = {}
    for stem, sample in sorted(samples.items()):
        z, where = decode_latent(sample.latent), latents.where(f'{sample.folder}/{stem}.npy')
        if latent_dim and z.size != latent_dim:
            check.problems.append(f"{where}: holds {z.size} numbers, the generator takes {latent_dim}; is it another generator's?")
        key = f'{sample.class_id} {hashlib.sha256(np.ascontiguousarray(z.ravel(), np.float64)).hexdigest()}'
        if key in first:
            check.problems.append(f'{where}: the same latent as {first[key]}')
        first.setdefault(key, stem)


def _check_classes(check: Check, samples: dict[str, Sampled], num_classes: int | None, allow_missing_classes: bool) -> None:
    for class_id, folder in sorted({(sample.class_id, sample.folder) for sample in samples.values()}):
        if num_classes is not None and class_id >= num_classes:
            check.problems.append(f'{folder}: class {class_id} is not among the {num_classes} classes of the generator')
        if (class_id, folder) not in check.shares:
            check.problems.append(f'{folder}: class {class_id} has no pairs')
    missing = sorted(set(range(num_classes or 0)) - {class_id for class_id, _ in check.shares})
    if missing and not allow_missing_classes:
        check.problems.append(f'classes without pairs: {_some([str(class_id) for class_id in missing])} of {num_classes}')


def _some(names: list[str]) -> str:
    return ', '.join(names[:10]) + (f' and {len(names) - 10} more' if len(names) > 10 else '')
