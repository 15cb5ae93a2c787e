"""Consistency checks before a training."""

import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from types import SimpleNamespace

from mmengine.config import Config
from mmengine.dataset import InfiniteSampler, default_collate
from mmengine.dist import get_rank
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from mmpretrain.utils import get_ori_model
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler

from mmbdg.datasets.address import ADDRESSED_SAMPLER, Addressing, addressing
from mmbdg.datasets.image_class import class_names_of
from mmbdg.datasets.listed_files import check_listed_files
from mmbdg.datasets.mark_synthetic import marks_synthetic
from mmbdg.datasets.mixed import MixedDataset
from mmbdg.datasets.online import is_online
from mmbdg.datasets.paste_objects import pastes_in
from mmbdg.engine.clip_checks import clip_problems
from mmbdg.engine.samplers.addressed_sampler import AddressedSampler
from mmbdg.engine.samplers.aspect_ratio_sampler import AspectRatioSampler
from mmbdg.engine.samplers.ensemble_sampler import EnsembleSampler
from mmbdg.engine.samplers.source_ratio_sampler import SourceRatioSampler
from mmbdg.errors import InputError, nearest
from mmbdg.models import AuxNorm, ConsistencySegmentor, DomainLosses, InterpreterTraining
from mmbdg.models.domain_losses import DOMAINS
from mmbdg.models.part_losses import parts_of_model
from mmbdg.parts import differing_parts, part_of


def check_data(runner: Runner) -> None:
    """Check that the model, the sampler and the training data fit together.

    Raises:
        InputError: The first problem found.
    """
    loader, model = runner.train_loop.dataloader, get_ori_model(runner.model)
    for problem in (
        *loop_problems(runner.train_loop),
        *queue_problems(loader, model, runner.world_size),
        *interpreter_problems(loader, model),
        *ensemble_problems(loader, model),
        *part_problems(loader, model),
        *domain_problems(loader, model),
        *consistency_problems(loader, model),
        *recomputation_problems(getattr(runner, 'cfg', {}), model),
        *address_problems(loader, model),
        *label_problems(loader, model),
        *size_problems(loader),
        *grouping_problems(loader),
        *paste_problems(loader),
        *clip_problems(_leaves(loader.dataset), model),
    ):
        raise InputError(problem)


def check_test_data(runner: Runner) -> None:
    """Check that the model and the test data fit together.

    Raises:
        InputError: The first problem found.
    """
    for problem in clip_problems(_leaves(runner.test_loop.dataloader.dataset), get_ori_model(runner.model)):
        raise InputError(problem)


def check_metrics(cfg: Config) -> None:
    """Check that the packages of the configured metrics are installed; without this check a missing one shows as a late traceback.

    Raises:
        InputError: ``CityscapesMetric`` is configured and cityscapesscripts is not installed.
    """
    for key in ('val_evaluator', 'test_evaluator'):
        evaluators = cfg.get(key) or []
        for evaluator in evaluators if isinstance(evaluators, list) else [evaluators]:
            name = str(evaluator.get('type') if isinstance(evaluator, dict) else '').split('.')[-1]
            if name.lower() == 'cityscapesmetric' and find_spec('cityscapesscripts') is None:
                raise InputError(f'{name} needs cityscapesscripts, which is not installed: pip install "mmbdg[cityscapes]"')


def check_annotations(cfg: Config, *loaders: str) -> None:
    """Check that the annotations are complete and have the right classes, see :func:`~mmbdg.datasets.listed_files.check_listed_files`.

    Images without annotations are logged. Only rank 0 runs the check.

    Args:
        cfg: Config of the training or test.
        loaders: Names of the data loaders to check, e.g. ``train_dataloader``.

    Raises:
        InputError: The first problem found.
    """
    for name in loaders if get_rank() == 0 else ():
        dataset = (cfg.get(name) or {}).get('dataset')
        for note in check_listed_files(dataset, cfg.get('default_scope', 'mmengine'), name) if isinstance(dataset, dict) else ():
            print_log(note, 'current')


def loop_problems(loop: EpochBasedTrainLoop | IterBasedTrainLoop) -> Iterator[str]:
    """An epoch-based loop needs a finite sampler; an iteration-based loop an endless one, or a resumed run would repeat earlier samples."""
    sampler = loop.dataloader.sampler
    addressed = isinstance(sampler, AddressedSampler)
    if isinstance(loop, EpochBasedTrainLoop) and _endless(sampler):
        yield (
            f'the first epoch would never end: the training counts epochs, but {type(sampler).__name__} is endless. Set '
            + ('train_dataloader.sampler.by_epoch=True' if addressed else 'train_dataloader.sampler.type=DefaultSampler')
            + ', or train_cfg to an IterBasedTrainLoop'
        )
    if isinstance(loop, IterBasedTrainLoop) and addressed and sampler.by_epoch:
        yield 'this training counts iterations: set train_dataloader.sampler.by_epoch=False, or train_cfg to an EpochBasedTrainLoop'


def queue_problems(loader: DataLoader, model: nn.Module, processes: int) -> Iterator[str]:
    """The length of the key queue must be a multiple of the total batch size, and each batch must be complete."""
    queue, keys = getattr(model, 'queue_len', None), loader.batch_size * processes
    if queue and queue % keys:
        yield (
            f'the queue length {queue} is not a multiple of the total batch size {keys} ({loader.batch_size} x {processes} processes): '
            'change train_dataloader.batch_size or model.queue_len'
        )
    rest = 0 if loader.drop_last or not queue or _endless(loader.sampler) else len(loader.sampler) % loader.batch_size
    if rest:
        yield (
            f'the last batch of an epoch has only {rest} samples instead of {loader.batch_size}, but the key queue needs full batches: set '
            'train_dataloader.drop_last=True'
        )


def check_queue(cfg: Config) -> None:
    """Same check as :func:`queue_problems`, on the config alone, so that it runs before any data is generated or read."""
    processes = int(os.environ.get({'slurm': 'SLURM_NTASKS', 'mpi': 'OMPI_COMM_WORLD_SIZE'}.get(cfg.launcher, 'WORLD_SIZE'), 1))
    loader, model = cfg.get('train_dataloader') or {}, cfg.get('model') or {}
    if not loader.get('batch_size') or not isinstance(model.get('queue_len'), int):
        return
    plan = SimpleNamespace(batch_size=loader['batch_size'], drop_last=True)
    for problem in queue_problems(plan, SimpleNamespace(queue_len=model['queue_len']), processes if cfg.launcher != 'none' else 1):
        raise InputError(problem)


def interpreter_problems(loader: DataLoader, model: nn.Module) -> Iterator[str]:
    """A feature interpreter needs one output for each label, and the same ignore label as the masks."""
    space = getattr(loader.dataset, 'space', None)
    if not isinstance(model, InterpreterTraining) or not space:
        return
    outputs = model.interpreter.num_outputs
    if outputs not in (1, space.num_classes) or model.ignore != space.ignore:
        yield (
            f'the head has {outputs} outputs and ignores label {model.ignore}, the label space "{space.name}" has {space.num_classes} '
            f"labels and ignores {space.ignore}: use label_space='fgbg' for an FG/BG head (num_outputs=1), else set num_outputs and ignore"
        )


def ensemble_problems(loader: DataLoader, model: nn.Module) -> Iterator[str]:
    """The batch size must be the number of ensemble members times the samples per member."""
    sampler = loader.sampler
    if not isinstance(sampler, EnsembleSampler):
        return
    members = model.interpreter.num_members
    if members != sampler.num_members or loader.batch_size != members * sampler.per_member:
        yield (
            f'the model has {members} members, the sampler makes batches of {sampler.num_members} x {sampler.per_member} samples, and the '
            f'data loader makes batches of {loader.batch_size}: set model.interpreter.num_members and train_dataloader.sampler.num_members '
            'to the same number, and train_dataloader.batch_size to num_members x train_dataloader.sampler.per_member'
        )


def part_problems(loader: DataLoader, model: nn.Module) -> Iterator[str]:
    """Each part of a joint dataset has a data preprocessor and a loss, and these have a part."""
    parts, where = getattr(loader.dataset, 'parts', {}), 'train_dataloader.dataset'
    handled = {'model.data_preprocessor': getattr(model.data_preprocessor, 'parts', ()), type(model).__name__: parts_of_model(model)}
    for who, names in handled.items():
        if parts and names and (problem := differing_parts(parts, where, names, who)):
            yield problem


def domain_problems(loader: DataLoader, model: nn.Module) -> Iterator[str]:
    """Real and synthetic images of a model with auxiliary norms are told apart and have the same classes in the same order."""
    if not isinstance(model, DomainLosses):
        return
    domains, name = _domains(loader.dataset), type(model).__name__
    if model.aux_norm is not None and (lacking := [domain for domain, found in domains.items() if not found]):
        yield (
            f'{name} trains on real and synthetic images, but train_dataloader.dataset has no {lacking[0]} ones: give it the parts real '
            "and synthetic (mmbdg.JointDataset), or end the pipeline of each synthetic dataset with dict(type='mmbdg.MarkSynthetic')"
        )
    named = [(domain, dataset, _class_names(dataset, model)) for domain, found in domains.items() for dataset in found]
    named = [entry for entry in named if entry[2]]
    for domain, dataset, classes in named[1:]:
        first_domain, first, expected = named[0]
        if classes != expected:
            place = next((i for i, (a, b) in enumerate(zip(expected, classes, strict=False)) if a != b), min(len(expected), len(classes)))
            theirs = [f'"{names[place]}"' if place < len(names) else 'none' for names in (expected, classes)]
            yield (
                f'the {first_domain} set {type(first).__name__} has {len(expected)} classes, the {domain} set {type(dataset).__name__} has '
                f'{len(classes)}, and class {place} is {theirs[0]} there and {theirs[1]} here: one head needs the same classes in the same '
                'order; set the classes (class_names, metainfo, label_space) of both'
            )


def consistency_problems(loader: DataLoader, model: nn.Module) -> Iterator[str]:
    """A segmentor that learns from unlabelled images has a part of them, and at least one labelled part."""
    if not isinstance(model, ConsistencySegmentor):
        return
    if not isinstance(loader.dataset, MixedDataset):
        yield (
            f'ConsistencySegmentor needs labelled and unlabelled images in one batch, but train_dataloader.dataset is a '
            f"{type(loader.dataset).__name__}: set it to dict(type='mmbdg.MixedDataset', parts=dict(labelled=..., {model.unlabelled}=...))"
        )
        return
    parts = list(loader.dataset.parts)
    if model.unlabelled not in parts:
        yield (
            f'model.unlabelled="{model.unlabelled}": train_dataloader.dataset has no part of this name, only '
            f'{", ".join(parts)}{nearest(model.unlabelled, parts)}'
        )
    elif len(parts) == 1:
        yield f'train_dataloader.dataset has no labelled part: add one beside "{model.unlabelled}"'


def recomputation_problems(cfg: Mapping, model: nn.Module) -> Iterator[str]:
    """mmengine's activation checkpointing computes the second pass of synthetic images with the main norms, so gradients would be wrong."""
    if cfg.get('activation_checkpointing') and any(isinstance(module, AuxNorm) for module in model.modules()):
        yield (
            "activation_checkpointing of mmengine's Runner does not know auxiliary norms: remove it and set with_cp=True in the backbone "
            '(joint pre-training: model.activation_checkpointing=True)'
        )


def _domains(dataset: Dataset) -> dict[str, list[Dataset]]:
    """The datasets without others inside, by domain: by part, otherwise by the marks of their pipelines."""
    if parts := getattr(dataset, 'parts', None):
        return {domain: [leaf for leaf in _leaves(parts[domain]) if not _is_wrapper(leaf)] for domain in DOMAINS if domain in parts}
    domains: dict[str, list[Dataset]] = {domain: [] for domain in DOMAINS}
    for leaf in _leaves(dataset):
        if not _is_wrapper(leaf):
            domains['synthetic' if marks_synthetic(getattr(leaf, 'pipeline', None)) else 'real'].append(leaf)
    return domains


def _class_names(dataset: Dataset, model: nn.Module) -> list[str]:
    """Names of what the head of a model tells apart: labels of a segmentor, classes of images of a classifier; empty if unknown."""
    images = None if hasattr(model, 'decode_head') else class_names_of(dataset)
    return images or list((getattr(dataset, 'metainfo', None) or {}).get('classes') or ())


def address_problems(loader: DataLoader, model: nn.Module) -> Iterator[str]:
    """The sampler and the data preprocessor fit the addressing of the dataset and of its parts."""
    name, addressed = type(loader.sampler).__name__, isinstance(loader.sampler, AddressedSampler)
    if addressing(loader.dataset) is Addressing.ADDRESS and not addressed:
        yield f'a {type(loader.dataset).__name__} is indexed by addresses, but a {name} gives none: {ADDRESSED_SAMPLER}'
    mixed = isinstance(loader.dataset, MixedDataset) and is_online(loader.dataset)  # one preprocessor for all parts
    if mixed and getattr(loader, 'collate_fn', None) is default_collate:
        yield (
            'train_dataloader.collate_fn=default_collate cannot stack images and the addresses of online samples: set it to '
            "dict(type='mmengine.pseudo_collate')"
        )
    for part_name, part in _parts(loader.dataset, model).items():
        preprocessor = part_of(model.data_preprocessor, part_name)
        if addressing(part) is Addressing.COUNT and not addressed:
            yield f'online samples need a sampler that never repeats one, and {name} may: {ADDRESSED_SAMPLER}'
        if addressing(part) is Addressing.COUNT and not getattr(preprocessor, 'takes_addresses', False):
            yield (
                'online samples need a data preprocessor of the type mmbdg.OnlineDataPreprocessor, which makes them; here is '
                f'{type(preprocessor).__name__}'
            )
        if addressing(part) is not Addressing.COUNT and getattr(preprocessor, 'steering', None) and not mixed:
            yield (
                f'steering chooses among online samples, but the training data is a {type(part).__name__}: set '
                "train_dataloader.dataset.type='mmbdg.OnlineSyntheticDataset', or remove sampling.steering of the data preprocessor"
            )


def label_problems(loader: DataLoader, model: nn.Module) -> Iterator[str]:
    """A segmentation head has one output for each label of the labelled images, and ignores the same label as the masks."""
    head = getattr(model, 'seg_head', getattr(model, 'decode_head', None))
    for labelled in _labelled(loader.dataset, model):
        yield from _label_problems(head, labelled)


def _labelled(dataset: Dataset, model: nn.Module) -> list[Dataset | None]:
    """The datasets whose masks a segmentation head learns."""
    if isinstance(model, DomainLosses):
        return sum(_domains(dataset).values(), [])
    return list(dataset.parts.values()) if isinstance(dataset, MixedDataset) else [part_of(dataset, 'seg')]


def _label_problems(head: nn.Module | None, labelled: Dataset | None) -> Iterator[str]:
    space, classes = getattr(labelled, 'space', None), len(getattr(labelled, 'metainfo', {}).get('classes') or ())
    if not hasattr(head, 'num_classes'):
        return
    if not space:  # a dataset of another package
        if classes > head.num_classes:
            yield f'the segmentation head has {head.num_classes} labels, {type(labelled).__name__} has {classes}: set num_classes'
        return
    if head.num_classes != space.num_classes:
        yield (
            f'the segmentation head has {head.num_classes} labels, the label space "{space.name}" of the labelled images has '
            f'{space.num_classes}: set num_labels={space.num_classes} (num_classes of the head), or another label_space'
        )
    if head.ignore_index != space.ignore:
        yield (
            f'the segmentation head ignores label {head.ignore_index}, but the ignore label of the label space "{space.name}" is '
            f'{space.ignore}: set ignore_index={space.ignore} in the head (and seg_pad_val in the data preprocessor)'
        )


def size_problems(loader: DataLoader) -> Iterator[str]:
    """With ``drop_last`` and fewer samples than one batch, the training would run no step and report no error."""
    if len(loader) == 0 and not _endless(loader.sampler):
        yield (
            f'the training set holds {len(loader.dataset)} samples, fewer than one batch of {loader.batch_size}: '
            'lower train_dataloader.batch_size or add data'
        )


def grouping_problems(loader: DataLoader) -> Iterator[str]:
    """The samplers that group samples by batches and the data loader need the same batch size."""
    sampler = loader.sampler
    if isinstance(sampler, SourceRatioSampler) and sampler.batch_size != loader.batch_size:
        yield (
            f'the sampler has a ratio of sources for batches of {sampler.batch_size}, but a batch has {loader.batch_size}: set '
            'train_dataloader.sampler.batch_size to train_dataloader.batch_size'
        )
    if isinstance(sampler, AspectRatioSampler) and sampler.batch_size != loader.batch_size:
        yield (
            f'the sampler groups {sampler.batch_size} images of one orientation, but a batch has {loader.batch_size}: '
            'set train_dataloader.sampler.batch_size to train_dataloader.batch_size'
        )


def paste_problems(loader: DataLoader) -> Iterator[str]:
    """Pasted objects are addressed by the samples, and their labels are those of the dataset."""
    for dataset in _leaves(loader.dataset):
        name, classes = type(dataset).__name__, tuple((getattr(dataset, 'metainfo', None) or {}).get('classes') or ())
        for step in pastes_in(getattr(dataset, 'pipeline', None)):
            if addressing(loader.dataset) is not Addressing.ADDRESS:
                yield (
                    f'mmbdg.PasteObjects in the pipeline of {name} needs samples with addresses; without them its objects would depend on '
                    "the workers: set train_dataloader.dataset=dict(type='mmbdg.JointDataset', parts=dict(real=DATASET)) with the present "
                    f'dataset in the place of DATASET, and {ADDRESSED_SAMPLER}'
                )
            if classes and classes != step.classes:
                yield (
                    f'mmbdg.PasteObjects has {len(step.classes)} classes ({", ".join(step.classes[:5])}, ...), but {name} has '
                    f'{len(classes)} ({", ".join(classes[:5])}, ...): set PasteObjects.classes to those of the dataset, in their order'
                )


def _is_wrapper(dataset: Dataset) -> bool:
    return any(getattr(dataset, name, None) for name in ('parts', 'dataset', 'datasets'))


def _leaves(dataset: Dataset) -> Iterator[Dataset]:
    """A dataset and the datasets inside it, where it is a wrapper."""
    yield dataset
    parts = getattr(dataset, 'parts', None)
    inner = [getattr(dataset, 'dataset', None), *(getattr(dataset, 'datasets', None) or ()), *(parts.values() if parts else ())]
    for one in inner:
        if one is not None:
            yield from _leaves(one)


def _parts(dataset: Dataset, model: nn.Module) -> Mapping[str, Dataset]:
    """Parts of the dataset by name; a dataset without parts is the one that the data preprocessor takes as plain."""
    return getattr(dataset, 'parts', None) or {getattr(model.data_preprocessor, 'plain', ''): dataset}


def _endless(sampler: Sampler) -> bool:
    return isinstance(sampler, InfiniteSampler) or getattr(sampler, 'by_epoch', True) is False
