"""Builds filters from configs."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmbdg.config_parts import part_class
from mmbdg.data_configs import building
from mmbdg.errors import InputError
from mmbdg.registry import FILTERS
from mmbdg.synthesis.filters.base import Filter


def build_filters(configs: Sequence[Mapping[str, Any]]) -> list[Filter]:
    """Build the filters of a list of configs, in their order, with those that a filter adds in front of itself. Nothing is loaded.

    Raises:
        InputError: There is no such filter, a value is invalid, a mask filter comes before an image filter, a coarse filter is
            not the first, or two filters have the same name.
    """
    filters: list[Filter] = []
    for number, config in enumerate(configs):
        where = f'synthesis.filters.{number}'
        kind = part_class(FILTERS, Filter, config, where, given=())
        with building(where):
            entry = kind(**{key: value for key, value in config.items() if key != 'type'})
        filters += [*entry.before(), entry]
        if filters[-1].stage == 'image' and any(earlier.stage == 'mask' for earlier in filters):
            raise InputError(
                f'{where}: {kind.__name__} is an image filter; move it before the mask filters, because a source labels only the '
                'candidates that passed the image filters'
            )
    if late := [entry for entry in filters[1:] if entry.stage == 'coarse']:
        raise InputError(
            f'synthesis.filters: {type(late[0]).__name__} (early=...) judges candidates before there are images: it must be the first '
            'filter, and there can be only one'
        )
    names = [entry.name for entry in filters]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f'synthesis.filters: two filters have the name "{twice[0]}": give one of them another name="..."')
    for name in names:
        if not (name.isascii() and name.isidentifier()):
            raise InputError(f'synthesis.filters: the name of a filter must consist of letters, digits and _, got "{name}"')
    return filters
