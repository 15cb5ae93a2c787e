"""Layout ``fiftyone``: ``ImageSegmentationDirectory`` of FiftyOne, and its further fields in ``samples.jsonl``.

.. code-block:: none

    data/<class number>_<id>.png|jpg
    labels/<class number>_<id>.png
    samples.jsonl                       key, label, sample, class, scores
"""

from pathlib import Path

from mmbdg.sharing.labels import write_labels
from mmbdg.sharing.options import Options, progress_bar
from mmbdg.sharing.samples import Shared, key_of
from mmbdg.storage.manifest import write_jsonl


def write_fiftyone_folder(shared: Shared, out: Path, options: Options) -> list[str]:
    """Write the layout into an existing folder; returns no remarks.

    Raises:
        InputError: A file of the dataset is missing or damaged, or the dataset has no masks.
    """
    rows = []
    for kind in ('data', 'labels'):
        (out / kind).mkdir()
    for line in progress_bar(shared.dataset.lines, options):
        key = key_of(line)
        (out / 'data' / f'{key}{shared.suffix}').write_bytes(shared.image(line))
        (out / 'labels' / f'{key}.png').write_bytes(shared.mask(line))
        rows.append(dict(key=key) | shared.row(line))
    write_jsonl(out / 'samples.jsonl', rows)
    write_labels(shared, out)
    return []
