"""Recipe of a step: everything that determines its result. Recipes with the same fingerprint give the same result."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mmbdg.arguments import parsed
from mmbdg.assets import resolve
from mmbdg.compat.config import with_options
from mmbdg.compat.config_options import as_meant
from mmbdg.errors import InputError
from mmbdg.reading import parsed_json
from mmbdg.schema import Schema
from mmbdg.studies.checksums import content_checksum
from mmbdg.studies.code_version import code_version, data_checksum, library_versions, texts_in

INFORMATION_KEYS = ('next_step', 'requires')
"""Keys of a config that are only information for the user."""
WRITTEN = re.compile(r'^(work_dir|default_hooks|custom_hooks|visualizer)(\.|$)|\bfeature_cache\.folder$')
"""Keys of folders that a tool writes."""
FOLDER_KEYS = re.compile(r'(root|folder|dir|path|prefix|pool|index|init)$')
"""Names of keys whose value may be a folder without a slash in its path."""
MOST_SHOWN = 3
"""Maximum number of changed keys in a message."""


class Recipe(Schema):
    """Everything that determines the result of a step.

    Args:
        command: Tool and command line, with placeholders in braces instead of file paths.
        config: Config with its options, by dotted key. Empty for a tool without a config.
        inputs: Checksums of the inputs, by name: outputs of earlier steps, files and folders named in the config or the command line, and
            listed inputs.
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


def recipe(
    tool: Path,
    arguments: list[str],
    config: dict[str, Any],
    inputs: Mapping[str, Path],
    threads: int,
    processes: int,
    apart: Iterable[Path] = (),
) -> Recipe:
    """Make the recipe of a step whose inputs exist.

    Args:
        tool: Script of the tool.
        arguments: Command line, with placeholders in braces instead of file paths.
        config: Values of the config, see :func:`resolved_config`.
        inputs: Files and folders that the step reads, by name.
        threads: Number of CPU threads.
        processes: Number of processes.
        apart: Folders that change while the study runs; the config must not name a folder that contains one of them. Default: none.

    Raises:
        InputError: An input is missing, or the config names a folder with the results of the study.
    """
    texts = [*arguments, *texts_in(config)]
    named = named_inputs(config) | {text: place for text in arguments if '/' in text and (place := _existing(text)) is not None}
    for name, path in inputs.items():
        if not path.exists():
            raise InputError(f'the input {name} of {tool.name} is missing: {path}')
    for text, path in named.items():
        if inner := next((folder for folder in apart if folder.resolve().is_relative_to(path.resolve())), None):
            raise InputError(
                f'{tool.name} reads the folder {text}, which contains {inner}, where the study writes: choose another output folder'
            )
    return Recipe(
        command=[tool.name, *arguments],
        config=config,
        inputs={name: content_checksum(path) for name, path in {**named, **inputs}.items()},
        code=code_version(tool, texts) | dict(data=data_checksum()),
        libraries=library_versions(),
        threads=threads,
        processes=processes,
    )


def named_inputs(config: Mapping[str, Any]) -> dict[str, Path]:
    """Existing files and folders that a config names, by their text in the config.

    Args:
        config: Values of the config, see :func:`resolved_config`. Folders that the tool writes (:data:`WRITTEN`, and the folder of a
            dataset with ``prepare``, whose identity the tool checks) are left out. So are folders in top-level values, because these are
            variables, which count at the place where they are used.
    """
    prepared = {key.partition('.prepare.')[0] for key in config if '.prepare.' in key}
    found = {}
    for key, value in config.items():
        above, _, last = key.rpartition('.')
        written = not above or WRITTEN.search(key) or (last == 'data_root' and above in prepared)
        for text in texts_in(value):
            place = _existing(text) if '/' in text or '.' in text or FOLDER_KEYS.search(last) else None
            if place is not None and not (written and place.is_dir()):
                found[text] = place
    return dict(sorted(found.items()))


def _existing(text: str) -> Path | None:
    """File or folder with this path, or None. The working directory and the folders above it are left out, and so are configs, because
    their values are part of the recipe."""
    if not text or '\n' in text or len(text) > 500 or text.endswith('.py'):
        return None
    try:
        path = resolve(text)
        return path if path.is_file() or (path.is_dir() and not Path.cwd().is_relative_to(path.resolve())) else None
    except (InputError, OSError, ValueError):
        return None


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
