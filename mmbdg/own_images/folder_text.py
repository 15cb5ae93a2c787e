"""The report about a folder of images as text for a terminal."""

from mmbdg.own_images.folder import SHOWN, FolderReport


def report_text(report: FolderReport) -> str:
    """Lines about a folder: counts, sizes and modes, the classes, the faults, and the lines for dataset.py."""
    lines = [f'{report.root}: {report.images:,} images in {len(report.classes)} classes']
    if report.images:
        sizes = report.sizes
        lines += [
            f'shorter side: {sizes["smallest"]} to {sizes["largest"]} px, median {sizes["median"]} px',
            f'modes: {", ".join(f"{count:,} {mode}" for mode, count in report.modes.items())}; {report.grey:,} without colours',
        ]
    width = max([5, *map(len, report.classes)])
    lines += ['', f'{"class":{width}}  images', *(f'{name:{width}}  {count:6,}' for name, count in report.classes.items()), '']
    for fault in report.faults:
        lines.append(f'{"ERROR" if fault.stops else "look"}: {fault.name} ({len(fault.items):,}): {fault.what}')
        lines += [f'    {item}' for item in fault.items[:SHOWN]]
        if len(fault.items) > SHOWN:
            lines.append(f'    and {len(fault.items) - SHOWN:,} more (--out FILE.json lists all)')
    if not report.faults:
        lines.append('no faults')
    if report.settings:
        lines += ['', 'Largest resolution that suits these images and the budget:']
        lines += [
            f'    {name:9} {f"{side} px" if side else "none: the lengths are too short for these images"}'
            for name, side in report.budgets.items()
        ]
        lines += ['', 'Lines for dataset.py:', *(f'    {key} = {value!r}' for key, value in report.settings.items())]
    return '\n'.join(line.encode(errors='backslashreplace').decode() for line in lines)
