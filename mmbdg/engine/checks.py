"""Consistency checks before a training."""

import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from types import SimpleNamespace

from mmengine.config import Config
from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_rank
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from mmpretrain.utils import get_ori_model
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler

from mmbdg.datasets.address import ADDRESSED_SAMPLER, Addressing, addressing
from mmbdg.datasets.listed_files import check_listed_files
from mmbdg.datasets.paste_objects import pastes_in
from mmbdg.engine.clip_checks import clip_problems
from mmbdg.engine.samplers.addressed_sampler import AddressedSampler
from mmbdg.engine.samplers.aspect_ratio_sampler import AspectRatioSampler
from mmbdg.engine.samplers.ensemble_sampler import EnsembleSampler
from mmbdg.errors import InputError
from mmbdg.models import InterpreterTraining
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


def address_problems(loader: DataLoader, model: nn.Module) -> Iterator[str]:
    """The sampler and the data preprocessor fit the addressing of the dataset and of its parts."""
    name, addressed = type(loader.sampler).__name__, isinstance(loader.sampler, AddressedSampler)
    if addressing(loader.dataset) is Addressing.ADDRESS and not addressed:
        yield f'a joint dataset is indexed by addresses, but a {name} gives none: {ADDRESSED_SAMPLER}'
    for part_name, part in _parts(loader.dataset, model).items():
        preprocessor = part_of(model.data_preprocessor, part_name)
        if addressing(part) is Addressing.COUNT and not (addressed and getattr(preprocessor, 'takes_addresses', False)):
            yield (
                f'online samples need {ADDRESSED_SAMPLER}, which never repeats one, and a data preprocessor of the type '
                f'mmbdg.OnlineDataPreprocessor, which makes them; here are {name} and {type(preprocessor).__name__}'
            )


def label_problems(loader: DataLoader, model: nn.Module) -> Iterator[str]:
    """A segmentation head has one output for each label of the labelled images, and ignores the same label as the masks."""
    head = getattr(model, 'seg_head', getattr(model, 'decode_head', None))
    labelled = part_of(loader.dataset, 'seg')
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
    """The aspect ratio sampler and the data loader need the same batch size."""
    sampler = loader.sampler
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
