"""Layout ``coco``: images and one file of COCO instances, see :mod:`mmbdg.converters.coco_instances`.

.. code-block:: none

    images/<class folder>/<id>.png|jpg
    instances.json                          file_name is relative to the folder of this file
"""

from pathlib import Path

from mmbdg.converters.coco_instances import write_coco
from mmbdg.sharing.options import Options
from mmbdg.sharing.samples import Shared
from mmbdg.storage.unpacked import write_image_folder


def write_coco_folder(shared: Shared, out: Path, options: Options) -> list[str]:
    """Write the layout into an existing folder, and return remarks about it.

    Raises:
        InputError: A file of the dataset is missing or damaged, or the dataset has no masks.
    """
    counts = write_coco(shared.dataset, out / 'instances.json', options.min_pixels, options.progress)
    write_image_folder(shared.dataset, out / 'images', progress=options.progress)
    return [
        f'{counts.instances} instances of {len(counts.by_category)} categories; {counts.small} components below {options.min_pixels} '
        f'pixels are left out, {counts.empty_images} images have no instance, {counts.ignored_pixels} ignored pixels belong to none'
    ]
