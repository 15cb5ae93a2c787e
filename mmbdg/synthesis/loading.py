"""From a plan to what makes its blocks: generator, interpreters, classifier, class map, label space."""

import torch

from mmbdg.classifiers import build_classifier, class_map
from mmbdg.errors import InputError
from mmbdg.sources.labelled_generator import LabelledGenerator
from mmbdg.storage.label_spaces import LabelSpace, label_space
from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.plan import Synthesis


def build_maker(plan: Synthesis, device: str) -> BlockMaker:
    """What makes the blocks of a plan.

    Raises:
        InputError: A class, a device or a checkpoint does not exist or does not fit.
    """
    generator = load_generator(plan, device)
    class_ids = wanted_classes(plan, generator)
    space = exported_space(plan, generator)
    classifier = build_classifier(plan.classifier, plan.classifier_size) if plan.classifier else None
    meant = class_map(plan.class_map, generator.classes, generator.folders, classifier, class_ids) if classifier else None
    return BlockMaker(plan, generator, classifier, meant, space)


def wanted_classes(plan: Synthesis, generator: LabelledGenerator) -> list[int]:
    """The classes a plan asks for, each once.

    Raises:
        InputError: There is no such class.
    """
    wanted = range(generator.num_classes) if plan.classes is None else plan.classes
    return list(dict.fromkeys(generator.class_id(c) for c in wanted))


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
    if plan.tokens and not generator.draws_tokens:
        raise InputError('synthesis.tokens is for generators that draw tokens (VQGAN); this one is made again from its addresses alone')
    return generator


def exported_space(plan: Synthesis, generator: LabelledGenerator) -> LabelSpace | None:
    """The label space the masks are painted in; None for the interpreter's own labels.

    Raises:
        InputError: The interpreter tells more than foreground and background apart, or a class is outside the space.
    """
    if plan.label_space is None:
        return None
    if len(generator.labels) != 2:
        raise InputError(
            f'synthesis.label_space paints the foreground of a foreground/background interpreter; this one has {len(generator.labels)} '
            'labels of its own: leave it out'
        )
    space = label_space(plan.label_space, generator.classes)
    if outside := [generator.classes[c] for c in wanted_classes(plan, generator) if not space.has(c)]:
        raise InputError(
            f'{len(outside)} classes have no label in the label space "{space.name}" ({outside[0]}, ...): name those that have one in '
            'synthesis.classes'
        )
    return space
