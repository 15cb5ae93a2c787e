"""Offline synthesis: blocks of candidates, filtered in the order of cost, written in the dataset layout (BigDatasetGAN, section 3.2).

A **block** is one class and a fixed number of candidates, addresses (class, block * candidates ...). Filters rank within a block, batches
are cut within a block, so what a block gives depends on nothing but its address: the dataset is the same whatever the order, the
interruption, or the number asked for before.
"""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from platform import node
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmbdg.assets import resolve
from mmbdg.errors import InputError
from mmbdg.files import sha256, write_json, write_png
from mmbdg.synthesis.classifier import Classifier
from mmbdg.synthesis.labelled_generator import CARD, LabelledGenerator, as_mask, check_bound
from mmbdg.synthesis.layout import BlockRecords, claimed, sample_id, sample_paths, write_jsonl
from mmbdg.synthesis.palette import palette
from mmbdg.synthesis.truncation import Truncation
from mmbdg.version import __version__


@dataclass(frozen=True)
class Synthesis:
    """What a dataset is made of. A config's ``synthesis = dict(...)`` has these keys.

    Attributes:
        labelled_generator: Name of an embedded one, or a folder; see :meth:`LabelledGenerator.load`.
        num_per_class: Samples kept of each class.
        classes: Class indices; None for all.
        seed: Of the latents.
        truncation: Of the latents, see :class:`~mmbdg.synthesis.Truncation`; "default" for the labelled generator's own.
        candidates: Candidates in a block.
        classifier: Config of the classifier for rejection sampling, with ``init_cfg``; None for no rejection.
        classifier_size: Height and width in pixels the classifier is shown; None for the images' own.
        rejection_rate: Part of the candidates that is rejected, the least confident in their own class (paper: 0.9).
        class_map: For each class of the generator the classifier's; None if they are the same.
        uncertainty_rate: Part of the survivors that is dropped, those the ensemble disagrees on most (paper: 0.1).
        ignore_above: Disagreement in nats above which a pixel is written as *ignore* (255, or 65535 in uint16 masks); None: the
            labelled generator's own, as a rule never.
        batch_size: Images computed at once, within a block.
        threads: CPU threads; floating point depends on them, so they belong to the dataset.
        precision, compile: See :class:`~mmbdg.generators.frozen.Frozen`; they belong to the dataset too.
    """

    labelled_generator: str
    num_per_class: int = 100
    classes: Sequence[int] | None = None
    seed: int = 0
    truncation: dict | float | str | None = 'default'
    candidates: int = 200
    classifier: dict | None = None
    classifier_size: int | None = None
    rejection_rate: float = 0.9
    class_map: Sequence[int] | None = None
    uncertainty_rate: float = 0.1
    ignore_above: float | None = None
    batch_size: int = 50
    threads: int = 1
    precision: str = 'float32'
    compile: bool = False

    def __post_init__(self) -> None:
        for name in ('rejection_rate', 'uncertainty_rate'):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f'synthesis.{name} must be in [0, 1), got {getattr(self, name)}; 1 would keep nothing')
        if self.num_per_class < 1 or self.candidates < 1:
            raise InputError('synthesis.num_per_class and synthesis.candidates must be at least 1')
        if self.classes is not None and not len(self.classes):
            raise InputError('synthesis.classes names no class')
        check_bound(self.ignore_above)
        if self.truncation != 'default':
            Truncation.of(self.truncation)

    @classmethod
    def from_config(cls, config: dict) -> 'Synthesis':
        """From ``synthesis = dict(...)`` of a config.

        Raises:
            InputError: A key is missing or unknown, or a value does not make sense.
        """
        names = {entry.name for entry in fields(cls)}
        if unknown := sorted(set(config) - names):
            raise InputError(f'synthesis has unknown keys {unknown}; known are {sorted(names)}')
        if 'labelled_generator' not in config:
            raise InputError('synthesis.labelled_generator is missing: the name or folder of a labelled generator')
        return cls(**config)

    @property
    def survivors(self) -> int:
        """Candidates of a block that pass rejection."""
        return max(1, round(self.candidates * (1 - self.rejection_rate))) if self.classifier else self.candidates

    @property
    def kept(self) -> int:
        """Samples a block gives."""
        return max(1, self.survivors - math.floor(self.survivors * self.uncertainty_rate))


@dataclass
class Counts:
    """What became of the candidates of this run."""

    candidates: int = 0
    after_rejection: int = 0
    after_uncertainty: int = 0
    written: int = 0

    def add(self, plan: Synthesis, written: int) -> None:
        """One more block."""
        self.candidates += plan.candidates
        self.after_rejection += plan.survivors
        self.after_uncertainty += plan.kept
        self.written += written


@dataclass
class BlockResult:
    """The kept samples of one block, sorted by index."""

    indices: list[int]
    images: Tensor
    masks: Tensor
    uncertainty: list[float]
    scores: list[float | None] = field(default_factory=list)


def make_block(generator: LabelledGenerator, classifier: Classifier | None, plan: Synthesis, class_id: int, block: int) -> BlockResult:
    """Candidates, rejection, labels, uncertainty: one block.

    The ensemble of interpreters runs on the survivors of the rejection only; they are made again from their addresses.
    """
    indices = list(range(block * plan.candidates, (block + 1) * plan.candidates))
    scores: dict[int, float] = {}
    if classifier:
        target = plan.class_map[class_id] if plan.class_map else class_id
        confidence = torch.cat(
            [
                classifier.probabilities(generator.images([class_id] * len(part), part))[:, target].cpu()
                for part in _batches(indices, plan.batch_size)
            ]
        )
        best = torch.sort(confidence, descending=True, stable=True).indices[: plan.survivors].tolist()
        indices = sorted(indices[i] for i in best)
        scores = {index: confidence[index - block * plan.candidates].item() for index in indices}
    parts = [generator.label([class_id] * len(part), part) for part in _batches(indices, plan.batch_size)]
    images, masks, uncertainty = (torch.cat([getattr(part, name).cpu() for part in parts]) for name in ('images', 'masks', 'uncertainty'))
    keep = torch.sort(uncertainty, stable=True).indices[: plan.kept].sort().values
    kept = [indices[i] for i in keep.tolist()]
    return BlockResult(kept, images[keep], masks[keep], uncertainty[keep].tolist(), [scores.get(index) for index in kept])


def _batches(items: Sequence[int], size: int) -> list[Sequence[int]]:
    return [items[i : i + size] for i in range(0, len(items), size)]


def identity_of(plan: Synthesis, generator: LabelledGenerator, device: str) -> dict[str, Any]:
    """All that decides the bytes of a dataset but how many samples of which classes are asked for."""
    import PIL

    folder = LabelledGenerator.find(plan.labelled_generator)
    checksums = {name: sha256(folder / name) for name in (CARD, 'generator.safetensors', 'interpreter.safetensors')}
    if plan.classifier:
        checksums['classifier'] = sha256(resolve(plan.classifier['init_cfg']['checkpoint']))
    config = asdict(plan)
    del config['num_per_class'], config['classes'], config['labelled_generator']
    config['truncation'], config['ignore_above'] = generator.truncation, generator.ignore_above
    for name in ('precision', 'compile', 'ignore_above'):  # as they always were, unless stated: older datasets go on
        if config[name] == Synthesis.__dataclass_fields__[name].default:
            del config[name]
    if plan.classifier:  # which file it is says its checksum; where it lies decides nothing
        config['classifier'] = {key: value for key, value in plan.classifier.items() if key != 'init_cfg'}
    versions = dict(mmbdg=__version__, torch=torch.__version__.split('+')[0], numpy=np.__version__, pillow=PIL.__version__)
    return json.loads(json.dumps(dict(config=config, checksums=checksums, versions=versions, device=torch.device(device).type)))


def load_generator(plan: Synthesis, device: str) -> LabelledGenerator:
    """The labelled generator of a plan, under the plan's seed and truncation.

    Raises:
        InputError: There is no such generator or device, or its files do not fit.
    """
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f'there is no device "{device}" here ({str(error).splitlines()[0]})') from error
    generator = LabelledGenerator.load(plan.labelled_generator, precision=plan.precision, compile=plan.compile).to(device)
    generator.seed = plan.seed
    if plan.ignore_above is not None:
        generator.ignore_above = plan.ignore_above
    if plan.truncation != 'default':
        generator.truncation = plan.truncation
    return generator


def synthesize(plan: Synthesis, out_dir: str | Path, device: str = 'cpu', log: Callable[[str], None] = print) -> Path:
    """Make a dataset, or what is missing of it.

    Args:
        plan: What to make.
        out_dir: Where. Files that are there are left alone; asking for more samples or other classes adds to them.
        device: Where to compute.
        log: Takes the lines that are said.

    Returns:
        ``out_dir``.

    Raises:
        InputError: A class, a device or a checkpoint does not exist or does not fit, or the folder holds something else; nothing is
            written then.
    """
    out = Path(out_dir)
    generator = load_generator(plan, device)
    class_ids = [generator.class_id(c) for c in (range(generator.num_classes) if plan.classes is None else plan.classes)]
    if plan.class_map is not None and len(plan.class_map) != generator.num_classes:
        raise InputError(f'synthesis.class_map names {len(plan.class_map)} classes, the generator has {generator.num_classes}')
    classifier = Classifier(plan.classifier, plan.classifier_size) if plan.classifier else None
    identity = identity_of(plan, generator, device)

    threads = torch.get_num_threads()
    with claimed(out, identity):
        torch.set_num_threads(plan.threads)
        try:
            counts, seconds = _make_missing_blocks(plan, generator, classifier, class_ids, out)
        finally:
            torch.set_num_threads(threads)
        lines = BlockRecords(out).all_lines()
        _finish(out, generator, identity, lines)
        if counts.written:
            _report(out, plan, counts, seconds, device, log)
    log(f'{len(lines)} labelled images in {out}')
    return out


def is_complete(plan: Synthesis, out_dir: str | Path) -> bool:
    """Whether a folder holds a finished dataset with all that a plan asks for."""
    if not (Path(out_dir) / 'dataset.json').is_file():
        return False
    info = json.loads((Path(out_dir) / 'dataset.json').read_text(encoding='utf-8'))
    folders = [entry['folder'] for entry in info['generator_classes']]
    wanted = folders if plan.classes is None else [folders[c] for c in plan.classes]
    return all(info['counts'].get(folder, 0) >= plan.num_per_class for folder in wanted)


def _make_missing_blocks(
    plan: Synthesis, generator: LabelledGenerator, classifier: Classifier | None, class_ids: Sequence[int], out: Path
) -> tuple[Counts, float]:
    from tqdm import tqdm

    records, counts, start = BlockRecords(out), Counts(), time.perf_counter()
    blocks = math.ceil(plan.num_per_class / plan.kept)
    with tqdm(total=len(class_ids) * plan.num_per_class, unit='img', desc='synthesis', dynamic_ncols=True) as bar:
        for class_id in class_ids:
            folder = generator.folders[class_id]
            for block in range(blocks):
                wanted = min(plan.kept, plan.num_per_class - block * plan.kept)
                recorded = records.read(folder, block)
                if not _is_finished(out, folder, recorded, wanted):
                    wanted = max(wanted, len(recorded))  # a lost file is made again, none of the others is forgotten
                    result = make_block(generator, classifier, plan, class_id, block)
                    lines = _write_block(out, generator, plan, class_id, result, wanted)
                    records.write(folder, block, lines)
                    counts.add(plan, wanted)
                    bar.set_postfix_str(f'{counts.candidates} candidates')
                bar.update(wanted)
    return counts, time.perf_counter() - start


def _is_finished(out: Path, folder: str, lines: list[dict], wanted: int) -> bool:
    return len(lines) >= wanted and all(path.is_file() for line in lines for path in sample_paths(out, folder, line['id']))


def _write_block(out: Path, generator: LabelledGenerator, plan: Synthesis, class_id: int, result: BlockResult, wanted: int) -> list[dict]:
    folder, lines = generator.folders[class_id], []
    kind = 'wnid' if len(folder) == 9 and folder[0] == 'n' and folder[1:].isdigit() else 'slug'
    for i, index in enumerate(result.indices[:wanted]):
        image_path, mask_path = sample_paths(out, folder, sample_id(index))
        mask = as_mask(result.masks[i], len(generator.labels))
        if not image_path.is_file():  # what is there is whole, and the same
            write_png(image_path, result.images[i].permute(1, 2, 0).numpy())
        if not mask_path.is_file():
            write_png(mask_path, mask)
        score = result.scores[i]
        lines.append(
            {
                'id': sample_id(index),
                'class': class_id,
                kind: folder,
                'seed': plan.seed,
                'truncation': generator.truncation,
                'classifier_score': None if score is None else round(score, 6),
                'uncertainty': round(result.uncertainty[i], 6),
                'foreground_ratio': round(float(((mask > 0) & (mask != generator.ignore)).mean()), 6),
            }
        )
    return lines


def _finish(out: Path, generator: LabelledGenerator, identity: dict, lines: list[dict]) -> None:
    write_jsonl(out / 'manifest.jsonl', lines)
    counts = {generator.folders[c]: 0 for c in sorted({line['class'] for line in lines})}
    for line in lines:
        counts[generator.folders[line['class']]] += 1
    write_json(
        out / 'dataset.json',
        dict(
            classes=generator.labels,
            palette=palette(len(generator.labels)),
            resolution=generator.resolution,
            generator_classes=[dict(name=name, folder=folder) for name, folder in zip(generator.classes, generator.folders, strict=True)],
            counts=counts,
            licence=generator.licence,
            **identity,
        ),
    )


def _report(out: Path, plan: Synthesis, counts: Counts, seconds: float, device: str, log: Callable[[str], None]) -> None:
    acceptance = dict(rejection=counts.after_rejection / counts.candidates, uncertainty=counts.after_uncertainty / counts.after_rejection)
    rates = dict(written_per_second=counts.written / seconds, candidates_per_second=counts.candidates / seconds)
    write_json(
        out / 'logs' / 'throughput.json',
        dict(**asdict(counts), acceptance=acceptance, seconds=seconds, **rates, threads=plan.threads, device=device, host=node()),
    )
    log(
        f'{counts.candidates} candidates: rejection kept {acceptance["rejection"]:.0%}, uncertainty {acceptance["uncertainty"]:.0%}; '
        f'{counts.written / seconds:.1f} images/s'
    )
