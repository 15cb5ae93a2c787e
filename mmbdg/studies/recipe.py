"""The recipe of a step: all that decides its result. Two recipes with the same fingerprint give the same result."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mmbdg.arguments import parsed
from mmbdg.assets import resolve
from mmbdg.compat.config import with_options
from mmbdg.compat.config_options import as_meant
from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.reading import parsed_json
from mmbdg.schema import Schema
from mmbdg.studies.code_version import code_version, data_checksum, library_versions, texts_in

SAID = ('next_step', 'requires')
"""Keys of a config that are for the reader only."""
MOST_TOLD = 3
"""Changed keys that a message lists."""


class Recipe(Schema):
    """All that decides the result of a step.

    Args:
        command: Tool and command line; places of files stand there by their names in braces.
        config: The config with its options, by dotted key; empty for a tool without one.
        inputs: Checksums of what the step reads, by name: outputs of earlier steps, files that the config names, listed inputs.
        code: Checksums of the modules of this package that the tool reaches, see :mod:`mmbdg.studies.code_version`.
        libraries: Versions of the libraries that compute.
        threads: CPU threads.
        processes: Number of processes.
    """

    command: list[str]
    config: dict[str, Any]
    inputs: dict[str, str]
    code: dict[str, str]
    libraries: dict[str, str]
    threads: int
    processes: int

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()[:16]


def resolved_config(path: str, options: Mapping[str, str]) -> dict[str, Any]:
    """A config with options, by dotted key, in plain values.

    Args:
        path: The config.
        options: Values as they are typed after ``--cfg-options``, by key.
    """
    plain = _plain(path)
    given, _ = as_meant(plain, {key: parsed(value) for key, value in options.items()})
    content = with_options(path, given).to_dict()
    content = parsed_json(json.dumps(content, default=str), path)  # plain values
    return {key: value for key, value in _flat(content) if key.split('.')[0] not in SAID}


@cache
def _plain(path: str) -> Any:
    return with_options(path, {})


def _flat(value: Any, key: str = '') -> Iterator[tuple[str, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not items or (isinstance(value, list) and not any(isinstance(one, dict | list) for one in value)):
        yield key, value
        return
    for name, one in items:
        yield from _flat(one, f'{key}.{name}' if key else str(name))


def recipe(tool: Path, arguments: list[str], config: dict[str, Any], inputs: Mapping[str, Path], threads: int, processes: int) -> Recipe:
    """The recipe of a step whose inputs are there.

    Args:
        tool: Script of the tool.
        arguments: Command line with names of files in braces.
        config: See :func:`resolved_config`.
        inputs: Files and folders that the step reads, by name.
        threads: CPU threads.
        processes: Number of processes.

    Raises:
        InputError: An input is not there.
    """
    texts = [*arguments, *texts_in(config)]
    named = {text: place for text in sorted(set(texts_in(config))) if (place := _file_named(text)) is not None}
    for name, path in inputs.items():
        if not path.exists():
            raise InputError(f'{name} of {tool.name} is not there: {path}')
    return Recipe(
        command=[tool.name, *arguments],
        config=config,
        inputs={name: content_checksum(path) for name, path in {**named, **inputs}.items()},
        code=code_version(tool, texts) | dict(data=data_checksum()),
        libraries=library_versions(),
        threads=threads,
        processes=processes,
    )


def _file_named(text: str) -> Path | None:
    """The file that a text in a config names; folders are not looked into, a study lists them in ``inputs``."""
    if '\n' in text or len(text) > 500 or '/' not in text or text.endswith('.py'):
        return None
    try:
        path = resolve(text)
        return path if path.is_file() else None
    except (InputError, OSError, ValueError):
        return None


_checksums: dict[tuple[str, int, int], str] = {}


def content_checksum(path: Path) -> str:
    """SHA-256 of a file, or of the names and checksums of all files in a folder."""
    if path.is_dir():
        files = sorted(file for file in path.rglob('*') if file.is_file())
        lines = [f'{file.relative_to(path).as_posix()} {content_checksum(file)}' for file in files]
        return hashlib.sha256('\n'.join(lines).encode()).hexdigest()
    state = path.stat()
    key = str(path), state.st_size, state.st_mtime_ns
    if key not in _checksums:
        _checksums[key] = sha256(path)
    return _checksums[key]


def changes(old: Mapping[str, Any], new: Recipe) -> str:
    """What differs between two recipes, in words; the old one as its file holds it."""
    now, told = new.model_dump(), []
    if old.get('command') != now['command']:
        told.append(f'its command is another one (it was: {" ".join(map(str, old.get("command", [])))})')
    if different := _different(old.get('config', {}), now['config']):
        told.append('its config has another ' + _listed(f'{key} ({_value(now["config"], key)}, it was {_value(old["config"], key)})'
                                                         for key in different))  # fmt: skip
    if different := _different(old.get('inputs', {}), now['inputs']):
        told.append(f'its input has changed: {_listed(different)}')
    if different := _different(old.get('code', {}), now['code']):
        told.append(f'the code has changed: {_listed(different)}')
    if different := _different(old.get('libraries', {}), now['libraries']):
        told.append('there are other versions of ' + _listed(different))
    for name in ('threads', 'processes'):
        if old.get(name) != now[name]:
            told.append(f'it has {now[name]} {name}, it had {old.get(name)}')
    return '; '.join(told)


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    missing = object()
    return [key for key in sorted({*old, *new}) if old.get(key, missing) != new.get(key, missing)]


def _value(content: Mapping[str, Any], key: str) -> str:
    return str(content[key])[:80] if key in content else 'not there'


def _listed(texts: Any) -> str:
    texts = list(texts)
    more = f' and {len(texts) - MOST_TOLD} more' if len(texts) > MOST_TOLD else ''
    return ', '.join(texts[:MOST_TOLD]) + more
