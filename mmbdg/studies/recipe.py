"""Recipe of a step: everything that determines its result. Recipes with the same fingerprint give the same result."""

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

INFORMATION_KEYS = ('next_step', 'requires')
"""Keys of a config that are only information for the user."""
MOST_SHOWN = 3
"""Maximum number of changed keys in a message."""


class Recipe(Schema):
    """Everything that determines the result of a step.

    Args:
        command: Tool and command line, with placeholders in braces instead of file paths.
        config: Config with its options, by dotted key. Empty for a tool without a config.
        inputs: Checksums of the inputs, by name: outputs of earlier steps, files named in the config, and listed inputs.
        code: Checksums of the modules of this package that the tool uses, see :mod:`mmbdg.studies.code_version`.
        libraries: Versions of the numerical libraries.
        threads: Number of CPU threads.
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
        """Checksum of the recipe, 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()[:16]


def resolved_config(path: str, options: Mapping[str, str]) -> dict[str, Any]:
    """Values of a config with options, by dotted key, as JSON values.

    Args:
        path: Config file.
        options: Values in the form of ``--cfg-options``, by key.
    """
    plain = _plain(path)
    given, _ = as_meant(plain, {key: parsed(value) for key, value in options.items()})
    content = with_options(path, given).to_dict()
    content = parsed_json(json.dumps(content, default=str), path)  # converts all values to JSON values
    return {key: value for key, value in _flat(content) if key.split('.')[0] not in INFORMATION_KEYS}


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
    """Make the recipe of a step whose inputs exist.

    Args:
        tool: Script of the tool.
        arguments: Command line, with placeholders in braces instead of file paths.
        config: Values of the config, see :func:`resolved_config`.
        inputs: Files and folders that the step reads, by name.
        threads: Number of CPU threads.
        processes: Number of processes.

    Raises:
        InputError: An input is missing.
    """
    texts = [*arguments, *texts_in(config)]
    named = {text: place for text in sorted(set(texts_in(config))) if (place := _file_named(text)) is not None}
    for name, path in inputs.items():
        if not path.exists():
            raise InputError(f'the input {name} of {tool.name} is missing: {path}')
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
    """File that is named in a text of a config, or None. Folders are not considered; a study lists them in ``inputs``."""
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
    """Description of the differences between two recipes. The old recipe is the content of its file."""
    now, found = new.model_dump(), []
    if old.get('command') != now['command']:
        found.append(f'its command has changed (it was: {" ".join(map(str, old.get("command", [])))})')
    if different := _different(old.get('config', {}), now['config']):
        texts = [f'{key} ({_value(now["config"], key)}, it was {_value(old["config"], key)})' for key in different]
        found.append(f'its config has changed: {_listed(texts)}')
    if different := _different(old.get('inputs', {}), now['inputs']):
        found.append(f'its input has changed: {_listed(different)}')
    if different := _different(old.get('code', {}), now['code']):
        found.append(f'the code has changed: {_listed(different)}')
    if different := _different(old.get('libraries', {}), now['libraries']):
        found.append('versions of libraries have changed: ' + _listed(different))
    for name in ('threads', 'processes'):
        if old.get(name) != now[name]:
            found.append(f'it has {now[name]} {name}, it had {old.get(name)}')
    return '; '.join(found)


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    missing = object()
    return [key for key in sorted({*old, *new}) if old.get(key, missing) != new.get(key, missing)]


def _value(content: Mapping[str, Any], key: str) -> str:
    return str(content[key])[:80] if key in content else 'missing'


def _listed(texts: Any) -> str:
    texts = list(texts)
    more = f' and {len(texts) - MOST_SHOWN} more' if len(texts) > MOST_SHOWN else ''
    return ', '.join(texts[:MOST_SHOWN]) + more
