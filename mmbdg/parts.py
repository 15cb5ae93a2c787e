"""Named parts of a joint training. The dataset, the data preprocessor and the losses of a part have the same name."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mmbdg.errors import InputError, nearest

SHORT_NAMES = ('ssl', 'seg')
"""Parts with a short form: a config may contain ``ssl=...`` instead of ``parts=dict(ssl=...)``."""


def parts_of(config: Mapping) -> dict[str, Mapping]:
    """Configs of the parts in the config of a joint dataset or data preprocessor, by name; empty for any other config.

    A value that is not a config is omitted without an error; :func:`named_parts` checks the values later.
    """
    parts = config.get('parts')
    found = {name: config.get(name) for name in SHORT_NAMES} | (dict(parts) if isinstance(parts, Mapping) else {})
    return {name: part for name, part in found.items() if isinstance(part, Mapping) and 'type' in part}


def named_parts(what: str, ssl: dict | None, seg: dict | None, parts: Mapping[str, dict | None] | None) -> dict[str, dict]:
    """All parts in order: ``ssl`` and ``seg`` if they are given, then ``parts``. A part that is None is left out.

    Args:
        what: Name of the class that takes the parts, for the messages.
        ssl, seg: Configs of the parts with these names.
        parts: Configs of parts by name.

    Raises:
        InputError: There is no part, a part is given twice, a name is not an identifier, or a part is not a config.
    """
    if not isinstance(parts or {}, Mapping):
        raise InputError(f'{what}: parts must be a dict of configs by name, got {parts!r}')
    short = {name: config for name, config in zip(SHORT_NAMES, (ssl, seg), strict=True) if config is not None}
    more = {name: config for name, config in (parts or {}).items() if config is not None}
    for name, config in (*short.items(), *more.items()):
        if not str(name).isidentifier():
            raise InputError(f'{what}: the name of a part must be an identifier such as "real", got {name!r}')
        if not isinstance(config, Mapping) or 'type' not in config:
            raise InputError(f'{what}: the part "{name}" must be a config with a type, got {config!r}')
    if twice := sorted(short.keys() & more.keys()):
        raise InputError(f'{what}: the part "{twice[0]}" is given twice, as {twice[0]}=... and in parts: remove one of them')
    if not short and not more:
        raise InputError(f'{what} needs at least one part: ssl=..., seg=... or parts=dict(NAME=...)')
    return short | more


def part_of(whole: Any, name: str) -> Any:
    """A part of a joint dataset or data preprocessor.

    Returns:
        The part; None if ``whole`` has other parts only; ``whole`` itself if it has no parts.
    """
    parts = getattr(whole, 'parts', None)
    if parts is None:
        return whole
    return parts[name] if name in parts else None  # noqa: SIM401  torch's ModuleDict has no get


def main_part(names: Iterable[str]) -> str:
    """Name of the part that a validation or test set corresponds to: "seg" if there is one, otherwise the first part."""
    names = list(names)
    return 'seg' if 'seg' in names else names[0]


def ratios_of(names: Collection[str], ratio: int, ratios: Mapping[str, int] | None) -> dict[str, int]:
    """The ratio of every part.

    Args:
        names: Names of the parts, the first part first.
        ratio: Ratio of all parts that ``ratios`` does not name, except the first.
        ratios: Ratios by the name of the part.

    Raises:
        InputError: A ratio is not a whole number of at least 1, is for an unknown part, or is not 1 for the first part.
    """
    first, given = next(iter(names)), dict(ratios or {})
    for name, value in dict(ratio=ratio, **{f'ratios.{name}': value for name, value in given.items()}).items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f'{name} is a whole number of samples for each sample of the part "{first}", at least 1; got {value}')
    for name in given:
        if name not in names:
            raise InputError(f'ratios.{name}: there is no part "{name}", only {", ".join(names)}{nearest(str(name), names)}')
    if given.get(first, 1) != 1:
        raise InputError(f'ratios.{first} must be 1, got {given[first]}: the other ratios are for each sample of "{first}", the first part')
    return {name: 1 if name == first else given.get(name, ratio) for name in names}


def differing_parts(have: Collection[str], where: str, need: Collection[str], who: str) -> str:
    """Message about parts that are only on one side; '' if both sides have the same parts.

    Args:
        have: Names of the parts of the data.
        where: Owner of these parts in the message, e.g. "the dataset".
        need: Names of the parts that are handled.
        who: Class that handles them in the message, e.g. "JointDataPreprocessor".
    """
    for one, one_name, other, other_name in ((have, where, need, who), (need, who, have, where)):
        if lacking := [name for name in one if name not in other]:
            known = ', '.join(f'"{name}"' for name in other) or 'none'
            hint = nearest(lacking[0], other)
            return f'{one_name} has the part "{lacking[0]}", {other_name} has {known}{hint}: give both the same parts'
    return ''
