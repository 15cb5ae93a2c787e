"""Builds the source, the filters and the label space of a plan."""

from mmbdg.errors import InputError
from mmbdg.sources.base import Source
from mmbdg.sources.build import build_source
from mmbdg.storage.catalogue import Catalogue
from mmbdg.storage.label_spaces import LabelSpace, label_space
from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.extent import Extent
from mmbdg.synthesis.filters.build import build_filters
from mmbdg.synthesis.plan import Synthesis


def build_maker(plan: Synthesis, device: str) -> BlockMaker:
    """Build the maker of the blocks of a plan.

    Args:
        plan: Plan of the dataset.
        device: Name of the device.

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
                f'synthesis.filters: {type(entry).__name__} needs masks, but {type(source).__name__} has none: remove the filter'
            )
        entry.prepare_source(source)
        entry.prepare(source.catalogue, class_ids)
    return BlockMaker(plan, source, filters, space)


def wanted_classes(plan: Synthesis, catalogue: Catalogue) -> list[int]:
    """Return the indices of the classes of a plan, without duplicates.

    Raises:
        InputError: There is no such class.
    """
    return Extent(plan, catalogue).class_ids


def load_source(plan: Synthesis, device: str) -> Source:
    """Build the source of a plan with the plan's seed.

    Raises:
        InputError: There is no such source or device, its files do not fit, or it has no tokens or uncertainty maps
            although the plan requests them.
    """
    source = build_source(plan.source, plan.seed, device)
    if plan.tokens and not source.draws_state:
        raise InputError('synthesis.tokens is for sources that draw tokens (VQGAN), but this source draws none: set it to False')
    if plan.uncertainty_maps and source.most_disagreement is None:
        raise InputError(
            f'synthesis.uncertainty_maps needs an uncertainty of each pixel, but {type(source).__name__} has none: set it to False'
        )
    if source.store == 'link' and plan.format == 'shards':
        raise InputError('synthesis.source.store="link": a shard holds copies, not links; use store="copy" or format="folder"')
    if source.store != 'encode' and plan.resolution not in (None, source.catalogue.resolution):
        raise InputError(
            f'synthesis.source.store="{source.store}" is for images that are not changed, but synthesis.resolution={plan.resolution} '
            f'resizes all images of {source.catalogue.resolution} px: remove one of them'
        )
    return source


def exported_space(plan: Synthesis, catalogue: Catalogue) -> LabelSpace | None:
    """Return the label space of the written masks. None for the source's own labels.

    Raises:
        InputError: The source has other labels than foreground and background, or no masks; or a class is outside the space.
    """
    if plan.label_space is None:
        return None
    if len(catalogue.labels) != 2:
        raise InputError(
            f'synthesis.label_space needs masks with foreground and background, but this source has {len(catalogue.labels)} labels: '
            'remove synthesis.label_space'
        )
    space = label_space(plan.label_space, catalogue.classes)
    if outside := [catalogue.classes[c] for c in wanted_classes(plan, catalogue) if not space.has(c)]:
        raise InputError(
            f'{len(outside)} classes have no label in the label space "{space.name}" ({outside[0]}, ...): list only classes with a label '
            'in synthesis.classes'
        )
    return space
