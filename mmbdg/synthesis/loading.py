"""From a plan to what makes its blocks: source, filters, label space."""

from mmbdg.errors import InputError
from mmbdg.sources.base import Source
from mmbdg.sources.build import build_source
from mmbdg.storage.catalogue import Catalogue
from mmbdg.storage.label_spaces import LabelSpace, label_space
from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.filters.build import build_filters
from mmbdg.synthesis.plan import Synthesis


def build_maker(plan: Synthesis, device: str) -> BlockMaker:
    """What makes the blocks of a plan.

    Raises:
        InputError: A class, a device or a checkpoint does not exist or does not fit, or a filter does not fit the source.
    """
    source = load_source(plan, device)
    class_ids = wanted_classes(plan, source.catalogue)
    space = exported_space(plan, source.catalogue)
    filters = build_filters(plan.filters)
    for entry in filters:
        if entry.stage == 'mask' and not source.catalogue.has_masks:
            raise InputError(
                f'synthesis.filters: {type(entry).__name__} looks at masks, but {type(source).__name__} has none: leave it out'
            )
        entry.prepare(source.catalogue, class_ids)
    return BlockMaker(plan, source, filters, space)


def wanted_classes(plan: Synthesis, catalogue: Catalogue) -> list[int]:
    """Indices of the classes that a plan asks for, each once.

    Raises:
        InputError: There is no such class.
    """
    wanted = range(len(catalogue.classes)) if plan.classes is None else plan.classes
    return list(dict.fromkeys(catalogue.class_id(c) for c in wanted))


def load_source(plan: Synthesis, device: str) -> Source:
    """The source of a plan, with the plan's seed.

    Raises:
        InputError: There is no such source or device, its files do not fit, or it cannot give what the plan wants to write.
    """
    source = build_source(plan.source, plan.seed, device)
    if plan.tokens and not source.draws_state:
        raise InputError('synthesis.tokens is for sources that draw tokens (VQGAN); this one is made again from its addresses alone')
    if plan.uncertainty_maps and source.most_disagreement is None:
        raise InputError(f'synthesis.uncertainty_maps needs an uncertainty of each pixel, which {type(source).__name__} does not give')
    return source


def exported_space(plan: Synthesis, catalogue: Catalogue) -> LabelSpace | None:
    """The label space that the masks are painted in; None for the source's own labels.

    Raises:
        InputError: The source tells more than foreground and background apart or has no masks, or a class is outside the space.
    """
    if plan.label_space is None:
        return None
    if len(catalogue.labels) != 2:
        raise InputError(
            f'synthesis.label_space paints the foreground of a foreground/background interpreter; this one has {len(catalogue.labels)} '
            'labels of its own: leave it out'
        )
    space = label_space(plan.label_space, catalogue.classes)
    if outside := [catalogue.classes[c] for c in wanted_classes(plan, catalogue) if not space.has(c)]:
        raise InputError(
            f'{len(outside)} classes have no label in the label space "{space.name}" ({outside[0]}, ...): name those that have one in '
            'synthesis.classes'
        )
    return space
