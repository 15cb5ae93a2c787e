"""Open a pool in any of the known layouts."""

import inspect
from collections.abc import Mapping
from pathlib import Path

from mmbdg.errors import InputError, nearest
from mmbdg.listing import list_files
from mmbdg.pools.base import Pool
from mmbdg.pools.caption_shards import CaptionShards
from mmbdg.pools.captioned_folder import TABLE, CaptionedFolder
from mmbdg.pools.clip_retrieval_folder import METADATA, ClipRetrievalFolder
from mmbdg.pools.sidecar_files import SIDECARS, SidecarFiles

LAYOUTS: dict[str, type[Pool]] = {kind.layout: kind for kind in (CaptionedFolder, CaptionShards, SidecarFiles, ClipRetrievalFolder)}
"""Known layouts by name."""


def open_pool(config: str | Mapping) -> Pool:
    """Open a pool; its entries are not read yet.

    Args:
        config: Path of the folder, or ``dict(folder=PATH, layout=NAME, ...)`` with a layout of :data:`LAYOUTS` and its arguments. Without
            ``layout`` the layout is detected.

    Raises:
        InputError: The folder or the layout does not exist, or the layout does not take an argument.
    """
    options = dict(folder=config) if isinstance(config, str) else dict(config)
    folder, layout = options.get('folder'), options.pop('layout', None)
    if not isinstance(folder, str):
        raise InputError(f'a pool is the path of a folder, or dict(folder=PATH, ...); got {config!r:.200}')
    kind = LAYOUTS.get(layout) if layout is not None else layout_of(Path(folder).expanduser())
    if kind is None:
        raise InputError(f'there is no layout of a pool {layout!r}{nearest(str(layout), LAYOUTS)}; there are {", ".join(LAYOUTS)}')
    takes = inspect.signature(kind).parameters
    if unknown := [key for key in options if key not in takes]:
        raise InputError(f'a pool of the layout {kind.layout} takes no "{unknown[0]}"; it takes layout, {", ".join(takes)}')
    return kind(**options)


def layout_of(folder: Path) -> type[Pool]:
    """Detect the layout of a folder.

    Raises:
        InputError: The folder does not exist, or has none of the layouts.
    """
    if not folder.is_dir():
        raise InputError(f'there is no pool {folder}: it must be a folder')
    if (folder / TABLE).exists():
        return CaptionedFolder
    if (folder / METADATA).is_dir() and list_files(folder / METADATA, ('.parquet',), depth=0).files:
        return ClipRetrievalFolder
    if list_files(folder, ('.tar',)).files:
        return CaptionShards
    if list_files(folder, SIDECARS).files:
        return SidecarFiles
    raise InputError(
        f'{folder} is not a pool of images with captions. It must hold one of: images and {TABLE}; tar shards; images with KEY.txt or '
        f"KEY.json beside each; clip-retrieval's {METADATA}/*.parquet"
    )
