"""``labels.json``: what the numbers in a shared dataset mean."""

from pathlib import Path

from mmbdg.files import write_json
from mmbdg.sharing.samples import Shared

LABELS = 'labels.json'


def write_labels(shared: Shared, folder: Path) -> None:
    """Write the names of image classes (``label`` of a row) and of mask labels, their colours, and the value of ignored pixels."""
    info, catalogue = shared.dataset.info, shared.dataset.catalogue
    masks = dict(mask_labels=list(catalogue.labels), palette=info['palette'], ignore=catalogue.ignore) if catalogue.has_masks else {}
    write_json(folder / LABELS, dict(image_classes=shared.names, **masks), sync=False)
