"""Report as one self-contained HTML file: images are data URIs, charts are inline SVG."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.analysis.report.charts import COLOURS, histogram_svg
from mmbdg.analysis.report.report import CLOSEST, Report, Shown
from mmbdg.analysis.report.report_text import class_heads, distance_note, filter_keys, made, meanings, short_names, table_keys
from mmbdg.analysis.statistics import table1
from mmbdg.analysis.statistics.mean_shapes import MeanShapes
from mmbdg.html_page import html_page, without_schemes
from mmbdg.visualization.contact_sheet import line_colours, outlined, thumbnail

TEMPLATE = Path(__file__).with_name('report_template.html')
PHOTO_SIDE, PIXEL_SIDE = 128, 256
"""Long side in pixels of reduced images, and of small images. Small images are enlarged by repeating pixels, which needs few bytes."""
MAX_LABELS = 24

CHARTS = dict(
    IN=('instances in an image', 'components'),
    MI=('mask area over image area', 'ratio'),
    BI=('box area over image area', 'ratio'),
    MB=('mask area over box area', 'ratio'),
    PL=('length of the outline in the unit box', 'sides of the box'),
    SC=('points of the simplified outline', 'points'),
    uncertainty=('of the ensemble', 'nats'),
)


def as_html(report: Report) -> str:
    """The HTML page. All text is escaped. The scheme of URLs in the text is removed, so that they do not become links."""
    from markupsafe import Markup

    numbers, reference = report.numbers, report.reference
    keys = table_keys(numbers)
    charts = [
        dict(
            name=key if key != 'uncertainty' else 'Uncertainty',
            what=what,
            svg=Markup(histogram_svg(numbers['histograms'][key], key, unit, key == 'IN')),
        )
        for key, (what, unit) in CHARTS.items()
        if key in numbers['histograms']
    ]
    filters = filter_keys(numbers['classes'])
    page = dict(
        name=report.images.name,
        reference=reference.name if reference is not None else None,
        lead=_lead(report),
        labels=_labels(report.images),
        has_masks=report.images.has_masks,
        tiles=_tiles(report),
        groups=_groups(keys),
        heads=[_short(key, *short_names(numbers)) for key in keys],
        rows=[dict(name=row['name'], cells=[table1.cell(key, row[key]) for key in keys]) for row in numbers['table1']],
        paper=[dict(name=name, cells=[table1.cell(key, row.get(key)) for key in keys]) for name, row in table1.PAPER.items()],
        meanings=meanings(numbers),
        distance_note=distance_note(numbers),
        charts=charts,
        n_text=' and '.join(f'{side["n"]:,}' for side in (numbers['dataset'], numbers['reference']) if side),
        size=f'{len(report.images):,}',
        reference_size=f'{len(reference):,}' if reference is not None else '',
        gallery=_samples(report.images, report.gallery),
        reference_gallery=_samples(reference, report.reference_gallery) if reference is not None else [],
        shapes=[dict(name=name, own=_shapes(own), other=_shapes(other) if other else None) for name, own, other in report.shapes],
        shapes_left_out=max(0, len(numbers['classes']) - len(report.shapes)),
        certain=_samples(report.images, report.certain),
        uncertain=_samples(report.images, report.uncertain),
        nearest=_nearest(report),
        filter_heads=[_filter_head(key) for key in filters],
        class_heads=class_heads(numbers['classes']),
        classes=[_class_row(row, filters, class_heads(numbers['classes'])) for row in numbers['classes']],
        made=made(numbers),
        colours=COLOURS,
    )
    return html_page(TEMPLATE, without_schemes(page))


def data_uri(picture: np.ndarray) -> str:
    """Data URI of an image, uint8 (H,W,3) or (H,W), in PNG format."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format='PNG', optimize=True)
    return 'data:image/png;base64,' + base64.b64encode(buffer.getvalue()).decode()


def _samples(images: LabelledImages, shown: Sequence[Shown]) -> list[dict]:
    return [_sample(images, sample) for sample in shown]


def _sample(images: LabelledImages, shown: Shown) -> dict:
    image = images.image(shown.index)
    mask = images.mask(shown.index) if images.has_masks else np.zeros(image.shape[:2], np.uint8)
    image, mask = thumbnail(image, mask, PIXEL_SIDE if max(image.shape) <= PIXEL_SIDE // 3 else PHOTO_SIDE)
    picture = outlined(image, mask, images.palette, images.ignore, width=max(1, max(image.shape) // 80))
    alt = images.title(shown.index) + (', mask outlined' if images.has_masks else '')
    return dict(src=data_uri(picture), alt=alt, caption=shown.caption, note=shown.note, width=picture.shape[1], height=picture.shape[0])


def _shapes(shapes: MeanShapes) -> list[dict]:
    pictures = (255 * (1 - shapes.shapes)).round().astype(np.uint8)
    return [dict(src=data_uri(picture), percent=f'{100 * share:.0f}') for picture, share in zip(pictures, shapes.shares, strict=True)]


def _labels(images: LabelledImages) -> list[dict]:
    if len(images.labels) > MAX_LABELS:
        return []
    return [
        dict(name=name, colour='#' + bytes(colour.tolist()).hex())
        for name, colour in list(zip(images.labels, line_colours(images.palette), strict=False))[1:]
    ]


def _lead(report: Report) -> str:
    classes = len(report.numbers['classes'])
    text = f'{len(report.images):,} {_what(report)}' + (f' in {classes:,} classes' if classes > 1 else '')
    if report.reference is None:
        return text + '.'
    return text + f', compared with the {len(report.reference):,} of {report.reference.name}.'


def _what(report: Report) -> str:
    return 'labelled images' if report.images.has_masks else 'images without masks'


def _tiles(report: Report) -> list[dict]:
    numbers = report.numbers
    means, found = numbers['summary']['dataset']['all'], numbers['distances']
    tiles = [
        dict(value=f'{means["n"]:,}', what=_what(report)),
        *([dict(value=f'{100 * means["MI"]:.1f} %', what='of an image is foreground')] if report.images.has_masks else []),
    ]
    if means['without_foreground']:
        tiles.append(dict(value=f'{means["without_foreground"]:,}', what='masks without any foreground'))
    known = [row for row in numbers['classes'] if row['acceptance'] is not None]
    if known:
        candidates = sum(row['filters']['candidates'] for row in known)
        passed = sum(row['acceptance'] * row['filters']['candidates'] for row in known)
        tiles.append(dict(value=f'{100 * passed / candidates:.1f} %', what=f'of {candidates:,} candidates passed all filters'))
    if found:
        for kind, what in (('masked', 'masked images'), ('labels', 'labels')) if 'masked' in found else (('images', 'images'),):
            key = 'frechet' if found[kind]['frechet'] is not None else 'kernel'
            factor = ' × 1000' if key == 'kernel' else ''
            tiles.append(dict(value=f'{found[kind][key]:.2f}', what=f'{found[key]}{factor} of {what}, {found["n"]:,} a side'))
    return tiles


def _groups(keys: list[str]) -> list[dict]:
    titles = {
        **dict.fromkeys(('size', 'IN', 'MI', 'BI', 'MB'), 'Dataset statistics'),
        **dict.fromkeys(('masked_frechet', 'masked_kernel'), 'Images, masked'),
        **dict.fromkeys(('images_frechet', 'images_kernel'), 'Images'),
        **dict.fromkeys(('labels_frechet', 'labels_kernel'), 'Labels'),
        **dict.fromkeys(('PL', 'SC', 'SD'), 'Geometry'),
    }
    groups: list[dict] = []
    for key in keys:
        if not groups or groups[-1]['name'] != titles[key]:
            groups.append(dict(name=titles[key], span=0))
        groups[-1]['span'] += 1
    return groups


def _short(key: str, frechet: str, kernel: str) -> str:
    """Column title below the title of its group."""
    if key.endswith('_frechet'):
        return f'{frechet} ↓'
    return f'{kernel} ↓' if key.endswith('_kernel') else table1.HEADS[key]


def _nearest(report: Report) -> dict | None:
    if not report.nearest:
        return None
    found, distances = report.numbers['nearest'], report.numbers['distances']
    pairs = [(_sample(report.images, a), _sample(report.reference, b)) for a, b in report.nearest]
    text = (
        f'If a generator had memorised images, its samples would be much closer to reference images than reference images are to each '
        f'other. {found["below_half_the_yardstick"]:,} of {distances["n"]:,} samples are closer than half the yardstick, compared with '
        f'{found["reference_below_half_the_yardstick"]:,} of as many reference images. The median distance is {found["median"]:.3g}, the '
        f'yardstick is {found["yardstick_median"]:.3g}.'
    )
    from markupsafe import Markup

    return dict(
        text=text,
        parts=[
            dict(title=title, pairs=part)
            for title, part in (('The closest pairs', pairs[:CLOSEST]), ('Random samples', pairs[CLOSEST:]))
            if part
        ],
        among=f'{found["among"]:,}',
        network=distances['network'],
        yardstick='the ' + found['yardstick'],
        yardstick_median=f'{found["yardstick_median"]:.3g}',
        svg=Markup(histogram_svg(found['histogram'], 'distance to the nearest reference image', 'Euclidean distance of features')),
    )


def _class_row(row: dict, filters: list[str], heads: list[str]) -> dict:
    passed = row['filters'] or {}
    return dict(
        name=row['name'],
        n=f'{row["n"]:,}',
        reference_n='–' if row['reference_n'] is None else f'{row["reference_n"]:,}',
        filters=['–' if passed.get(key) is None else f'{passed[key]:,}' for key in filters],
        bar=f'{100 * (row["acceptance"] or 0):.1f}',
        acceptance='–' if row['acceptance'] is None else f'{100 * row["acceptance"]:.1f} %',
        cells=[table1.cell(head, row['uncertainty' if head == 'U' else head]) for head in heads],
    )


def _filter_head(key: str) -> str:
    return key.replace('_', ' ').capitalize()
