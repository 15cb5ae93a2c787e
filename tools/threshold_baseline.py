"""Measure how much of a segmentation task a threshold solves, and background everywhere: a baseline for any labelled dataset.

    python tools/threshold_baseline.py configs/transfer/colour/unet_32px.py:test_dataloader.dataset threshold.json
    python tools/threshold_baseline.py work_dirs/biggan32_fashion threshold.json

One threshold is used for all images: of the brightness, a channel, the saturation, or a colour distance. It is chosen with the true masks
of the same images, so the figures are upper bounds. Columns, mean IoU in percent:

    FG/BG         foreground and background
    one class     all labels, if the foreground gets the same label in all images: the best one
    true class    all labels, if the foreground gets the true label of its image, as if a perfect classifier named it

"position" is no threshold of colours: it draws one disc around the middle of all images.
"""

from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.analysis.opening import open_labelled_images
from mmbdg.analysis.statistics.thresholds import POSITION, Thresholds, measured
from mmbdg.arguments import Parser
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import check_place, write_json
from mmbdg.markdown import markdown_table

COLUMNS = dict(fgbg='FG/BG', one_class='one class', true_class='true class')


def figures(found: Thresholds) -> dict[str, dict[str, dict | None]]:
    """Best thresholds of each measure: ``{measure: {column: dict(mIoU, threshold, above)}}``; None where a column does not exist."""
    return {
        measure: {column: asdict(best) if (best := getattr(found, column)(measure)) else None for column in COLUMNS}
        for measure in found.measures
    }


def as_table(found: dict[str, dict[str, dict | None]], background: dict[str, float]) -> str:
    """Markdown table of the figures."""

    def cells(row: dict[str, dict | None]) -> list[str]:
        return [f'{row[column]["mIoU"]:.1f}' if row[column] else '' for column in COLUMNS]

    colours = {name: row for name, row in found.items() if name != POSITION}
    best = {
        column: max(filter(None, (row[column] for row in colours.values())), key=lambda one: one['mIoU'], default=None)
        for column in COLUMNS
    }
    rows = [['background everywhere', f'{background["fgbg"]:.1f}', *[f'{background["classes"]:.1f}'] * 2]]
    rows += [[name, *cells(row)] for name, row in colours.items()]
    rows += [['best of these thresholds', *cells(best)], [POSITION, *cells(found[POSITION])]]
    return markdown_table(['threshold of', *COLUMNS.values()], rows)


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('dataset', help='labelled images: a folder, CONFIG.py:KEY or INSTANCES.json:IMAGE_FOLDER, as in tools/analyze.py')
    parser.add_argument('out', type=Path, help='JSON file for the figures')
    args = parser.parse_args()
    check_place(args.out)
    images = open_labelled_images(args.dataset)
    if not images.has_masks:
        raise InputError(f'{args.dataset} has no masks, which the thresholds are compared with')
    pairs = ((images.image(i), images.mask(i)) for i in tqdm(range(len(images)), dynamic_ncols=True))
    found = measured(pairs, len(images.labels), images.ignore)
    rows, background = figures(found), found.background()
    write_json(args.out, dict(dataset=args.dataset, images=len(images), background=background, thresholds=rows))
    print(as_table(rows, background))


if __name__ == '__main__':
    with plain_errors():
        main()
