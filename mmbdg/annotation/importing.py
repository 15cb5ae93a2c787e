"""Import of an annotator's files as annotated latents: either all of them are imported or nothing is written."""

import os
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from mmbdg.annotation.coco_file import read_coco
from mmbdg.annotation.cvat_zip import read_cvat
from mmbdg.annotation.drawn import Drawn, Findings, Problem
from mmbdg.annotation.file_tree import FileTree
from mmbdg.annotation.labelme_files import read_labelme
from mmbdg.annotation.mask_sheet import write_mask_sheet
from mmbdg.annotation.mask_values import FOREGROUND, IGNORE, encode_png
from mmbdg.annotation.plain_masks import read_plain_masks
from mmbdg.annotation.projects import has_project, read_project
from mmbdg.annotation.sampled import Sampled, decode_latent, find_sets, most_common, read_samples
from mmbdg.errors import InputError
from mmbdg.files import write_json
from mmbdg.images import open_image
from mmbdg.paths import inside

FORMATS = ('labelme', 'coco', 'cvat', 'png', 'released')
NOT_ANNOTATED = 'not annotated'


@dataclass
class Report:
    """Result of an import; ``report.json`` has the same content."""

    source: str
    format: str
    name: str
    classes: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    ignored_pixels: dict[str, int] = field(default_factory=dict)
    mask_size: list[int] = field(default_factory=list)
    latent_numbers: int = 0
    sampling: dict = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Text lines for the terminal."""
        total = sum(self.classes.values())
        lines = [f'{total} pairs of {len(self.classes)} classes from {self.source} ({self.format}), set "{self.name}"']
        for why, count in Counter(self.skipped.values()).items():
            stems = [stem for stem, reason in self.skipped.items() if reason == why]
            lines.append(f'skipped, {why}: {count} ({", ".join(stems[:5])}{", ..." if count > 5 else ""})')
        return lines + [f'left out: {problem}' for problem in self.problems] + self.notes


def import_annotations(
    source: str | os.PathLike,
    target: str | os.PathLike,
    format: str | None = None,
    latents: str | os.PathLike | None = None,
    name: str | None = None,
    skip_bad: bool = False,
    ignore_value: int | None = None,
    crowd: str = 'ignore',
) -> Report:
    """Read annotations, pair them with their latents by name and write a set of annotated latents.

    Args:
        source: Folder, zip file or JSON file from the annotator.
        target: Output folder, in the layout of :mod:`mmbdg.annotation.latent_files`, with ``contact_sheet.png`` and ``report.json``.
        format: One of FORMATS; None: detect it.
        latents: Folder written by ``tools/annotate.py sample``, or any folder with latents; None: the latents are in ``source``.
        name: Name of the set; None: the only one.
        skip_bad: Whether invalid annotations are skipped and listed; default False: they raise an error.
        ignore_value: Grey value of ignored pixels in plain PNG masks; None: no pixel is ignored.
        crowd: Meaning of COCO's ``iscrowd``: 'ignore' (default) or 'foreground'.

    Returns:
        Report of the import.

    Raises:
        InputError: There are errors; all of them are listed, and nothing is written.
    """
    source, target = Path(source), Path(target)
    if target.exists():
        raise InputError(f'{target} exists already; annotations are never overwritten, choose another folder')
    format = format or detect(source)
    if format not in FORMATS:
        raise InputError(f'the format of annotations must be one of {", ".join(FORMATS)}, got {format!r}')
    home = Path(latents) if latents is not None else source
    name = _choose_set(home, name)
    latent_tree, images = part_of(home, 'latents', name), part_of(home, 'images', name)
    if latent_tree is None:
        raise InputError(f'{home} has no latents of the set "{name}"; give the folder of "annotate.py sample" with --latents')
    samples, problems = read_samples(latent_tree, images)
    part = target.with_name(f'{target.name}.{os.getpid()}.part')
    try:
        sampling = read_project(home).get('sampling', {}) if has_project(home) else {}
        intake = _Intake(part, name, samples, images, Report(str(source), format, name, sampling=sampling), problems)
        for finding in _findings(source, format, name, (samples, images), ignore_value, crowd):
            intake.take(finding)
        report = intake.finish()
        if report.problems and not skip_bad:
            raise InputError(_refusal(source, report))
        if not report.classes:
            reasons = ''.join(f'\n  {problem}' for problem in report.problems)
            raise InputError(f'{source} ({format}) holds no annotation that fits a latent of {home}; nothing was written{reasons}')
        write_mask_sheet(part, name)
        write_json(part / 'report.json', {**vars(report), 'problems': [str(problem) for problem in report.problems]})
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return report


def detect(source: Path) -> str:
    """Detect the format of an annotator's files.

    Raises:
        InputError: The format is unknown.
    """
    if has_project(source):
        return read_project(source)['format']
    names = FileTree(source).names
    if any(name.endswith('labelmap.txt') or 'SegmentationClass' in name.split('/') for name in names):
        return 'cvat'
    if {'annotations.zip', 'latents.zip'} <= set(names) or {'annotations', 'latents'} <= {name.split('/')[0] for name in names}:
        return 'released'
    tree = FileTree(source)
    for name in tree.ending_in('.json'):
        try:
            content = tree.read_json(name)
        except InputError:
            continue
        if isinstance(content, dict) and ('shapes' in content or 'annotations' in content):
            return 'labelme' if 'shapes' in content else 'coco'
    if tree.ending_in('.png'):
        return 'png'
    raise InputError(f'{source} holds no annotations of a known format; give the format with --from {"|".join(FORMATS)}')


def part_of(home: Path, kind: str, name: str = '') -> FileTree | None:
    """Files of one kind, from ``home/kind``, ``home/kind.zip``, or inside ``home`` if it is a zip file; None if there are none.

    Args:
        home: Folder or zip file.
        kind: 'latents', 'annotations' or 'images'.
        name: Name of the set; empty: all sets.
    """
    zipped = home / f'{kind}.zip'
    tree = FileTree(zipped) if zipped.is_file() and not (home / kind).is_dir() else FileTree(home, kind)
    return tree.narrowed(name) if name else tree if tree.names else None


def _choose_set(home: Path, name: str | None) -> str:
    if name is not None:
        return name
    if has_project(home):
        return read_project(home)['name']
    latents = part_of(home, 'latents')
    if latents is None:
        raise InputError(f'{home} has no latents/ and no latents.zip; give the folder of "annotate.py sample" with --latents')
    sets = find_sets(latents)
    if len(sets) != 1:
        raise InputError(f'{latents.where()} holds the sets {sets}; expected .../NAME/<class>/<stem>.npy; use --name to choose one')
    return sets[0]


def _findings(
    source: Path, format: str, name: str, sampled: tuple[dict[str, Sampled], FileTree | None], ignore_value: int | None, crowd: str
) -> Findings:
    samples, images = sampled
    if ignore_value is not None and format not in ('png', 'released'):
        raise InputError(f'an ignore value is for masks in PNG files; {format} has the label "ignore" instead')
    project = has_project(source)
    if format == 'labelme':
        return read_labelme(FileTree(source, f'images/{name}' if project else ''), samples, images)
    if format == 'coco':
        return read_coco(FileTree(source, 'coco' if project else ''), samples, crowd)
    if format == 'cvat':
        return read_cvat(FileTree(source / 'cvat' / 'annotations.zip' if project else source), samples)
    if format == 'released':
        masks = part_of(source, 'annotations', name)
        if masks is None:
            raise InputError(f'{source} has no annotations of the set "{name}", neither in annotations/ nor in annotations.zip')
        return read_plain_masks(masks, ignore_value)
    return read_plain_masks(FileTree(source, f'annotations/{name}' if project else ''), ignore_value)


def _refusal(source: Path, report: Report) -> str:
    listed = '\n  '.join(map(str, report.problems))
    return (
        f'{source} ({report.format}) has {len(report.problems)} faults; nothing was written:\n  {listed}\n'
        'Correct them, or skip them with --skip-bad.'
    )


class _Intake:
    """Writes pairs into a temporary folder, and removes pairs that later turn out to be invalid."""

    def __init__(
        self, root: Path, name: str, samples: dict[str, Sampled], images: FileTree | None, report: Report, problems: list[Problem]
    ) -> None:
        self.root, self.name, self.samples, self.images, self.report = root, name, samples, images, report
        self.folders = {sample.folder for sample in samples.values()}
        self.report.problems += problems
        self.fallen = {problem.stem for problem in problems}
        self.where: dict[str, str] = {}
        self.shapes: dict[str, tuple[int, int]] = {}
        self.notes: dict[str, str] = {}

    def take(self, finding: Drawn | Problem) -> None:
        """Write a valid pair, or record its problem."""
        if isinstance(finding, Problem):
            self._refuse(finding)
            return
        stem = finding.stem
        if stem in self.where:
            self._refuse(Problem(finding.where, f'is a second annotation of {stem}, beside {self.where[stem]}', stem))
            return
        self.where[stem] = finding.where
        if finding.mask is None or stem in self.fallen:
            return
        try:
            self._check(finding)
        except InputError as error:
            self._refuse(Problem(finding.where, str(error), stem))
            return
        sample = self.samples[stem]
        self._write('annotations', sample, 'png', encode_png(finding.mask))
        self._write('latents', sample, 'npy', sample.latent)
        if sample.image:
            self._write('images', sample, 'png', self.images.read(sample.image))
        self.shapes[stem] = finding.mask.shape
        self.notes[stem] = finding.note
        if ignored := int((finding.mask == IGNORE).sum()):
            self.report.ignored_pixels[stem] = ignored

    def finish(self) -> Report:
        """Compare the sizes of all masks, and complete the report."""
        usual = most_common(self.shapes.values())
        for stem, (height, width) in list(self.shapes.items()):
            if (height, width) != usual:
                self._refuse(Problem(self.where[stem], f'is {width}x{height} px, most masks are {usual[1]}x{usual[0]}', stem))
        report = self.report
        for stem, sample in sorted(self.samples.items(), key=lambda item: (item[1].class_id, item[0])):
            if stem in self.shapes:
                report.classes[sample.folder] = report.classes.get(sample.folder, 0) + 1
            elif stem not in self.fallen:
                report.skipped[stem] = NOT_ANNOTATED
        if self.shapes:
            report.mask_size = list(usual)
            report.latent_numbers = int(decode_latent(self.samples[next(iter(self.shapes))].latent).size)
        counts = Counter(note for stem, note in self.notes.items() if note and stem in self.shapes)
        report.notes += [f'{count} masks: {note}' for note, count in counts.items()]
        if report.ignored_pixels:
            report.notes.append(
                f'{len(report.ignored_pixels)} masks have ignored pixels, written as {IGNORE}: '
                f'train with ignore_value={IGNORE} on AnnotatedLatents (train_dataloader.dataset.ignore_value={IGNORE})'
            )
        return report

    def _check(self, finding: Drawn) -> None:
        sample = self.samples.get(finding.stem)
        if sample is None:
            raise InputError(f'has no latent: there is no {finding.stem}.npy in the set "{self.name}"')
        if finding.folder != sample.folder and finding.folder in self.folders:
            raise InputError(f'lies in the class folder {finding.folder}, its latent in {sample.folder}')
        if not (finding.mask == FOREGROUND).any():
            raise InputError('has no foreground: ' + ('all drawn areas are ignored' if finding.mask.any() else 'it is empty'))
        if sample.image:
            where = self.images.where(sample.image)
            try:
                data = self.images.read(sample.image)
            except InputError as error:
                raise InputError(f'its image {where} {error}') from error
            image = open_image(data, f'its image {where}')
            if image.shape[:2] != finding.mask.shape:
                (rows, columns), (height, width) = finding.mask.shape, image.shape[:2]
                raise InputError(f'is {columns}x{rows} px, its image is {width}x{height}')

    def _refuse(self, problem: Problem) -> None:
        self.report.problems.append(problem)
        self.fallen.add(problem.stem)
        if self.shapes.pop(problem.stem, None):
            self.report.ignored_pixels.pop(problem.stem, None)
            for kind, suffix in (('annotations', 'png'), ('latents', 'npy'), ('images', 'png')):
                path = self._path(kind, self.samples[problem.stem], suffix)
                path.unlink(missing_ok=True)
                if path.parent.is_dir() and not any(path.parent.iterdir()):
                    path.parent.rmdir()

    def _path(self, kind: str, sample: Sampled, suffix: str) -> Path:
        return inside(self.root, kind, self.name, sample.folder, f'{sample.stem}.{suffix}', source=self.report.source)

    def _write(self, kind: str, sample: Sampled, suffix: str, data: bytes) -> None:
        path = self._path(kind, sample, suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
