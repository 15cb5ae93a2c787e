"""Filters from configs."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmbdg.config_parts import part_class
from mmbdg.data_configs import building
from mmbdg.errors import InputError
from mmbdg.registry import FILTERS
from mmbdg.synthesis.filters.base import Filter


def build_filters(configs: Sequence[Mapping[str, Any]]) -> list[Filter]:
    """The filters of a list of configs, in their order; nothing is loaded.

    Raises:
        InputError: There is no such filter, a value does not make sense, a filter of masks stands before one of images, or two have the
            same name.
    """
    filters: list[Filter] = []
    for number, config in enumerate(configs):
        where = f'synthesis.filters.{number}'
        kind = part_class(FILTERS, Filter, config, where, given=())
        with building(where):
            filters.append(kind(**{key: value for key, value in config.items() if key != 'type'}))
        if filters[-1].stage == 'image' and any(earlier.stage == 'mask' for earlier in filters):
            raise InputError(
                f'{where}: {kind.__name__} looks at images; it must stand before the filters that look at masks, because a source labels '
                'only what the filters of images leave'
            )
    names = [entry.name for entry in filters]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f'synthesis.filters: two filters have the name "{twice[0]}": give one of them another name="..."')
    for name in names:
        if not (name.isascii() and name.isidentifier()):
            raise InputError(f'synthesis.filters: the name of a filter consists of letters, digits and _, got "{name}"')
    return filters
