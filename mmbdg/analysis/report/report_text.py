"""Texts of a report that HTML and Markdown share, and the Markdown report."""

import json

from mmbdg.analysis.distances.picture_features import KINDS
from mmbdg.analysis.report.report import Report
from mmbdg.analysis.statistics import table1
from mmbdg.markdown import markdown_table, plain_markdown


def meanings(numbers: dict) -> list[tuple[str, str]]:
    """Definitions of the columns of Table 1 that are shown."""
    shown = table_keys(numbers)
    return [(key, text.format(min_pixels=numbers['settings']['min_pixels'])) for key, text in table1.MEANINGS.items() if key in shown]


def distance_note(numbers: dict) -> str:
    """Description of how the distances were computed, or why there are none."""
    found = numbers['distances']
    if found is None:
        return 'Distances need a reference and a feature network.'
    least = found['least_for_frechet']
    note = (
        f'{found["frechet"]} (Fréchet distance) and {found["kernel"]} (kernel distance × 1000, mean over {found["images"]["subsets"]} '
        f'fixed subsets of {found["images"]["subset_size"]:,} a side) by {found["origin"]}; n = {found["n"]:,} a side, drawn at random.'
    )
    if 'masked' in found:
        note += ' Masked: the background is black. Labels: the foreground is white on black.'
    if found['n'] < least:
        note += f' Below {least} a side no Fréchet distance is given.'
    if min(found[kind]['kernel'] for kind in compared_kinds(numbers)) < 0:
        note += (
            f' A negative {found["kernel"]} means no measurable difference between sets of this size. If a set has the same number of '
            'images in each class, its random variation is smaller than the estimator assumes.'
        )
    if found['frechet'] != 'FID':
        note += f' {found["frechet"]} and {found["kernel"]} are comparable only with values of the same network, never with FID and KID.'
    return note


def compared_kinds(numbers: dict) -> list[str]:
    """Kinds of images between which distances were computed."""
    return [kind for kind in KINDS if kind in (numbers['distances'] or {})]


def table_keys(numbers: dict) -> list[str]:
    """Columns of Table 1 that can have values: distances that were computed, and columns of masks if a side has masks."""
    compared = compared_kinds(numbers)
    masks = any(side and side['labels'] for side in (numbers['dataset'], numbers['reference']))
    return [key for key in table1.HEADS if (key.split('_')[0] in compared if '_' in key else masks or key == 'size')]


def short_names(numbers: dict) -> tuple[str, str]:
    """Short names of the distances: FID and KID, or FD and KD. The note below the table names the network."""
    found = numbers['distances'] or dict(frechet='FID', kernel='KID')
    return found['frechet'].split('-')[0], found['kernel'].split('-')[0]


def filter_keys(classes: list[dict]) -> list[str]:
    """Names of the filter counts, in the order of the filters. ``kept`` is omitted, because it is the number of images."""
    return list(
        dict.fromkeys(key for row in classes for key, value in (row['filters'] or {}).items() if isinstance(value, int) and key != 'kept')
    )


def class_heads(classes: list[dict]) -> list[str]:
    """Columns of the table of classes. U is the mean uncertainty of a class."""
    masks = ['IN', 'MI', 'BI', 'MB', 'PL', 'SC', 'SD'] if any(row['MI'] is not None for row in classes) else []
    return masks + (['U'] if any(row['uncertainty'] is not None for row in classes) else [])


def made(numbers: dict) -> list[tuple[str, str]]:
    """Origin of the data, settings and machine: names and values."""
    machine, settings = numbers['machine'], numbers['settings']
    rows = []
    for key in ('dataset', 'reference'):
        if side := numbers[key]:
            facts = side['facts']
            rows.append((key.capitalize(), f'{side["name"]}, {facts.get("source", "")}'.rstrip(', ')))
            for fact in ('licence', 'selection', 'checksums', 'versions'):
                if facts.get(fact):
                    text = facts[fact] if isinstance(facts[fact], str) else json.dumps(facts[fact], ensure_ascii=False)
                    rows.append((f'{key.capitalize()}, {fact}', text.strip('{}').replace('"', '')))
    rows += [
        ('Settings', ', '.join(f'{key} {value}' for key, value in settings.items())),
        ('Machine', f'{machine["cpu"]}, {machine["cores"]} cores, {machine["threads"]} threads; features on {machine["device"]}'),
        ('Software', f'mmbdg {machine["mmbdg"]}, torch {machine["torch"]}, Python {machine["python"]}'),
        ('Time', ', '.join(f'{key.replace("_", " ")} {value:,.1f} s' for key, value in numbers['seconds'].items())),
        ('Made', machine['date']),
    ]
    return rows


def as_markdown(report: Report) -> str:
    """Table 1, counts and acceptance rates as Markdown. Images are only in the HTML report."""
    numbers = report.numbers
    found = numbers['distances']
    keys = table_keys(numbers)
    heads = table1.heads(*short_names(numbers), keys)
    rows = [[plain_markdown(row['name']), *(table1.cell(key, row[key]) for key in keys)] for row in numbers['table1']]
    parts = [f'# {plain_markdown(report.images.name)}', markdown_table(['', *heads.values()], rows)]
    parts.append('\n'.join(f'- **{key}**: {text}' for key, text in meanings(numbers)))
    parts.append(plain_markdown(distance_note(numbers)))
    if found:
        full = {kind: found[kind]['kernel_full'] for kind in compared_kinds(numbers)}
        if None not in full.values():
            what = ', '.join(f'{kind} {value:.2f}' for kind, value in full.items())
            parts.append(f'{found["kernel"]} × 1000 of all {found["n"]:,} a side at once: {what}.')
    paper_keys = list(next(iter(table1.PAPER.values())))
    paper = [[name, *(table1.cell(key, row[key]) for key in paper_keys)] for name, row in table1.PAPER.items()]
    parts.append('For comparison, the table of the paper on ImageNet (BigDatasetGAN, Table 1; FID-5k and KID-5k to Real-annotated):')
    parts.append(markdown_table(['', *table1.heads('FID', 'KID', paper_keys).values()], paper))
    if numbers['classes']:
        parts.append('## Classes')
        parts.append(_classes(numbers))
    parts.append('## How this was made')
    parts.append('\n'.join(f'- {key}: {plain_markdown(value)}' for key, value in made(numbers)))
    return '\n\n'.join(parts) + '\n'


def _classes(numbers: dict) -> str:
    classes = numbers['classes']
    filters, columns = filter_keys(classes), class_heads(classes)
    heads = [
        'class',
        'images',
        *(['reference'] if numbers['reference'] else []),
        *(plain_markdown(key.replace('_', ' ')) for key in filters),
    ]
    heads += (['accepted'] if filters else []) + columns
    rows = []
    for row in classes:
        cells = [plain_markdown(row['name']), f'{row["n"]:,}']
        if numbers['reference']:
            cells.append('–' if row['reference_n'] is None else f'{row["reference_n"]:,}')
        cells += ['–' if (row['filters'] or {}).get(key) is None else f'{row["filters"][key]:,}' for key in filters]
        if filters:
            cells.append('–' if row['acceptance'] is None else f'{100 * row["acceptance"]:.1f} %')
        rows.append(cells + [table1.cell(head, row['uncertainty' if head == 'U' else head]) for head in columns])
    return markdown_table(heads, rows)
