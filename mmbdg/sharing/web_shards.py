"""Layout ``webdataset``: tar files of samples, for readers that stream.

.. code-block:: none

    train/<number>.tar      <class number>_<id>.png|jpg, <class number>_<id>.mask.png, <class number>_<id>.json

The samples lie in one fixed random order: a reader that streams sees all classes in each shard. The headers have no times and no owners.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from mmbdg.addressed import generator_at
from mmbdg.sharing.labels import write_labels
from mmbdg.sharing.options import Options, progress_bar
from mmbdg.sharing.samples import Shared, key_of
from mmbdg.storage.shards import write_shard


def write_web_shards(shared: Shared, out: Path, options: Options) -> list[str]:
    """Write the layout into an existing folder; returns no remarks.

    Raises:
        InputError: A file of the dataset is missing or damaged.
    """
    lines, step = shared.dataset.lines, options.samples_per_shard
    order = generator_at('order of shared samples', len(lines)).permutation(len(lines)).tolist()
    for number, begin in enumerate(progress_bar(range(0, len(order), step), options)):
        files = (one for place in order[begin : begin + step] for one in _files(shared, lines[place]))
        write_shard(out / 'train' / f'{number:06d}.tar', files, sync=False)
    write_labels(shared, out)
    return []


def _files(shared: Shared, line: dict) -> Iterator[tuple[str, bytes]]:
    key = key_of(line)
    yield f'{key}{shared.suffix}', shared.image(line)
    if shared.dataset.catalogue.has_masks:
        yield f'{key}.mask.png', shared.mask(line)
    yield f'{key}.json', json.dumps(shared.row(line), ensure_ascii=False).encode()
