"""Every entry point against files that a stranger may have made: one plain line, no code that runs, nothing outside the folder.

:data:`ATTACKS` says what each tool is given. A tool of the folder that is not in it fails the test.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hostile_files
import made_entries
import numpy as np
import pytest
from annotated import make_out, noisy_masks, write_masks
from conftest import ROOT, TINY_CLASSES, TINY_CLASSIFIER, TINY_GENERATOR, plan_of, run_tool

from mmbdg.files import sha256, write_png
from mmbdg.pools import build_index
from mmbdg.synthesis import SelectionPlan, select, synthesize

TOOLS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / 'tools').rglob('*.py') if "__name__ == '__main__'" in path.read_text())
MOST_MB, MOST_SECONDS = 2500, 30

Attacks = Iterator[tuple[str, list]]
"""Name and arguments."""


@dataclass(frozen=True)
class Files:
    """Where the hostile files lie, and good ones."""

    root: Path
    marker: Path
    checkpoints: list[Path]
    cards: list[Path]
    pictures: list[Path]
    jsons: list[Path]
    datasets: list[Path]
    selections: list[Path]
    configs: list[Path]
    good: Path
    picture: Path
    classifier: Path


@pytest.fixture(scope='session')
def files(tiny_labelled_generator, tiny_classifier, tmp_path_factory) -> Files:
    root = tmp_path_factory.mktemp('hostile')
    marker = root / 'marker'
    (root / 'outside').mkdir()
    good = root / 'good'
    shutil.copytree(tiny_labelled_generator, root / 'labelled')
    plan = plan_of(str(tiny_labelled_generator), num_per_class=2, candidates=2, batch_size=2, uncertainty_rate=0)
    for name in ('folder', 'shards'):
        synthesize(plan.changed(format=name), good / name, log=lambda line: None)
    chosen = shutil.copytree(good / 'folder', root / 'with_selection')
    select(chosen, SelectionPlan('s', [dict(type='mmbdg.LeastUncertain', fraction=0.5)]), log=lambda line: None)
    return Files(
        root=root,
        marker=marker,
        checkpoints=hostile_files.write_hostile_checkpoints(root / 'checkpoints', marker),
        cards=hostile_files.write_hostile_cards(tiny_labelled_generator, root / 'cards', marker),
        pictures=hostile_files.write_hostile_pictures(root / 'pictures'),
        jsons=hostile_files.write_jsons(root / 'jsons'),
        datasets=hostile_files.write_hostile_datasets(good / 'folder', good / 'shards', root / 'datasets'),
        selections=hostile_files.write_hostile_selections(chosen, root / 'selections'),
        configs=hostile_files.write_hostile_configs(root / 'configs', marker),
        good=good,
        picture=good_picture(root),
        classifier=Path(tiny_classifier['init_cfg']['checkpoint']),
    )


def good_picture(root: Path) -> Path:
    """A grey image, and as well a mask of black and white."""
    write_png(root / 'good.png', np.repeat(np.array([[0, 255]], np.uint8), 16, 1).repeat(32, 0))
    return root / 'good.png'


def bad_places(files: Files, arguments: Callable[[Path], list], suffix: str = '') -> Attacks:
    """One attack for each place that cannot be written to, and one on a full disk."""
    (files.root / 'loop').unlink(missing_ok=True)
    (files.root / 'loop').symlink_to('loop')
    yield 'place_too_long', arguments(Path('x' * 300 + suffix))
    yield 'place_in_a_loop', arguments(files.root / 'loop' / f'x{suffix}')
    yield 'place_in_a_file', arguments(files.picture / f'x{suffix}')
    yield 'full_disk', arguments(Path(f'x{suffix}'))


def config(files: Files, name: str, text: str) -> Path:
    """A Python config of the user's own."""
    path = files.root / 'own_configs' / f'{name}.py'
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def each(paths: list[Path], arguments: Callable[[Path], list], name: str = '') -> Attacks:
    """One attack for each file."""
    for path in paths:
        yield f'{name or path.parent.name}_{path.stem}', arguments(path)


SEGMENTATION = """
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='mmbdg.SyntheticSegDataset',
        data_root={root!r},
        pipeline=[dict(type='LoadImageFromFile'), dict(type='mmseg.LoadAnnotations'), dict(type='mmseg.PackSegInputs')],
    ),
)
"""


def segmentation(files: Files, dataset: Path) -> Path:
    """A config that trains on a synthetic dataset."""
    return config(files, dataset.name, SEGMENTATION.format(root=str(dataset)))


def analyze(files: Files) -> Attacks:
    plain = ['--features', 'none', '--processes', '1']
    yield from each(files.datasets, lambda path: [path, *plain])
    yield from each(files.jsons, lambda path: [f'{path}:{files.pictures[0].parent}', *plain])
    yield from each(files.configs, lambda path: [f'{path}:train_dataloader.dataset', *plain])
    yield from each(files.checkpoints, lambda path: [files.good / 'folder', '--reference', files.good / 'shards', '--inception', path])
    yield from bad_places(files, lambda out: [files.good / 'folder', *plain, '--out', out])
    yield from readers_of_selections(files, lambda path: [path, *plain])


def explore(files: Files) -> Attacks:
    plain, good = ['--port', '0', '--per-page', '2'], files.root / 'labelled'
    # What reads datasets, cards and checkpoints is that of the other tools, which meet all files. Here, a part shows that it is used.
    yield from each(files.datasets[:8], lambda path: [path, *plain])
    yield from each(files.cards[:5], lambda path: [path, *plain], 'card')
    yield from each(files.cards[:3], lambda path: [files.good / 'folder', '--labelled-generator', path, *plain], 'generator')
    yield from each(files.datasets[:3], lambda path: [good, '--reference', path, *plain], 'reference')
    yield from each(files.configs, lambda path: [good, '--classifier', path, *plain])
    for number, name in enumerate(('../s', '/s', '..', 'a/b', 'x' * 300)):
        yield f'name_{number}', [good, '--name', name, *plain]
    for path in files.jsons[:6]:
        out = files.root / 'explored' / path.stem
        (out / 'annotated').mkdir(parents=True)
        (out / 'annotated' / 'explorer.json').symlink_to(path)
        yield f'record_{path.stem}', [good, '--out', out, *plain]
    places = bad_places(files, lambda out: [good, '--out', out, *plain])
    yield from (attack for attack in places if attack[0] != 'full_disk')  # nothing is written before the page asks for it


def select_samples(files: Files) -> Attacks:
    own = config(files, 'selection', "selection = dict(name='s', steps=[dict(type='mmbdg.LeastUncertain', fraction=0.5)])")
    other = config(files, 'other_selection', "selection = dict(name='s', steps=[dict(type='mmbdg.LeastUncertain', fraction=0.9)])")
    read = [path for path in files.datasets if path.name != 'shard_is_a_pipe']  # no image is looked at for these steps
    yield from each(read, lambda path: [path, own])
    yield from each(files.configs, lambda path: [files.good / 'folder', path])
    for name in ('../s', '/s', '..', '', 'a/b', 'x' * 300, 'x' * 254, 'a\nb'):
        yield f'name_{name[:4]!r}_{len(name)}'.replace('/', '-'), [files.good / 'folder', own, '--name', name]
    yield from each(files.selections, lambda path: [copied(files, path, 'chosen'), other])
    yield 'full_disk', [copied(files, files.good / 'folder', 'chosen'), own]


def readers_of_selections(files: Files, arguments: Callable[[Path], list]) -> Attacks:
    yield from each(files.selections, lambda path: [*arguments(path), '--selection', 's'], 'selection')
    for name in ('none', '../s', '../../outside/x', '/etc/hostname', 'x' * 300):
        yield f'selection_{name[:4]}_{len(name)}'.replace('/', '-'), [*arguments(files.good / 'folder'), '--selection', name]


def convert_generator(files: Files) -> Attacks:
    for source in ('ajbrock', 'dcgan', 'tfhub', 'taming'):
        yield from each(files.checkpoints, lambda path, source=source: [path, 'out.safetensors', '--from', source], source)


def converter(suffix: str = '') -> Callable[[Files], Attacks]:
    def attacks(files: Files) -> Attacks:
        yield from each(files.datasets, lambda path: [path, f'out{suffix}'])
        yield from bad_places(files, lambda out: [files.good / 'folder', out], suffix)
        yield from readers_of_selections(files, lambda path: [path, f'out{suffix}'])

    return attacks


def check_images(files: Files) -> Attacks:
    """A class of one good picture and a hostile one, and places for the report."""

    def folder(picture: Path) -> Path:
        own = files.root / 'own_images' / picture.name / 'class'
        own.mkdir(parents=True, exist_ok=True)
        for path, name in ((files.picture, f'good{files.picture.suffix}'), (picture, f'hostile{picture.suffix}')):
            (own / name).unlink(missing_ok=True)
            (own / name).symlink_to(path)
        return own.parent

    yield from each(files.pictures, lambda path: [folder(path)])
    yield 'a_picture_as_folder', [files.picture]
    yield from bad_places(files, lambda out: [folder(files.picture), '--out', out], '.json')


def export(files: Files) -> Attacks:
    plain = ['--layout', 'imagefolder']
    yield from each(files.datasets, lambda path: [path, 'out', *plain])
    yield from bad_places(files, lambda out: [files.good / 'folder', out, *plain])
    for layout in ('webdataset', 'coco', 'yolo', 'fiftyone'):
        yield f'full_{layout}', [files.good / 'shards', 'out', '--layout', layout, '--min-pixels', '1']
    for name in ('none', '../s', '/etc/hostname'):
        yield f'selection_{name[:4]}'.replace('/', '-'), [files.good / 'folder', 'out', *plain, '--selection', name]


def push(files: Files) -> Attacks:
    good, dry = files.root / 'labelled', ['org/x', '--licence', 'MIT', '--dry-run', 'out']
    yield from each(files.cards, lambda folder: [folder, *dry], 'card')
    yield from each([path for path in files.jsons if path.stem != 'another'], lambda path: [good, *dry, '--figures', path], 'figures')
    for name in ('cards.json', 'hashes.json', 'labelled_generator.json'):
        yield from each(files.jsons, lambda path, name=name: [with_json(good, name, path), *dry], name)
    for number, name in enumerate(('x', '../x', 'org/..', '/etc/x', 'org/x@main', 'org/x\ny', 'o/' + 'x' * 300, 'hf://org/x')):
        yield f'name_{number}', [good, name, *dry[1:]]
    yield from each(files.datasets[:3], lambda path: [path, '--dataset', *dry], 'dataset')
    yield from bad_places(files, lambda out: [good, *dry[:-1], out])


def with_json(good: Path, name: str, content: Path) -> Path:
    """A labelled generator of which one JSON file is a link to another."""
    folder = Path(shutil.copytree(good, good.parent / 'with_json' / name / content.stem))
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(content)
    return folder


def unpack(files: Files) -> Attacks:
    yield from each(files.datasets, lambda path: [path, 'out'])
    yield from bad_places(files, lambda out: [files.good / 'shards', out])


def extract_backbone(files: Files) -> Attacks:
    yield from each(files.checkpoints, lambda path: [path, 'out.safetensors'])
    for suffix in ('.safetensors', '.pth'):
        for name, arguments in bad_places(files, lambda out: [files.classifier, out], suffix):
            yield name + suffix, arguments


def show_generator(files: Files) -> Attacks:
    path = config(files, 'generator', f"generator = dict(init_cfg=dict(type='Pretrained', checkpoint=''), **{TINY_GENERATOR!r})")
    yield from each(files.checkpoints, lambda weights: [path, 'x.png', '--cfg-options', f'generator.init_cfg.checkpoint={weights}'])
    yield from each(files.configs, lambda path: [path, 'x.png'])
    good = config(files, 'good_generator', f'generator = {TINY_GENERATOR!r}')
    yield from bad_places(files, lambda out: [good, out], '.png')


def synthesize_(files: Files) -> Attacks:
    good = files.cards[0].parents[1] / 'labelled'
    own = config(files, 'synthesis', "synthesis = dict(labelled_generator='', num_per_class=1, candidates=1, uncertainty_rate=0)")
    yield from each(files.cards, lambda folder: [own, 'out', '--cfg-options', f'synthesis.labelled_generator={folder}'])
    yield from each(files.jsons, lambda path: [own, 'out', '--cfg-options', f'synthesis.labelled_generator={with_card(good, path)}'])
    judged = config(
        files,
        'judged',
        f'synthesis = dict(labelled_generator={str(good)!r}, num_per_class=1, rejection_rate=0.5, candidates=2,\n'
        f"    classifier=dict(init_cfg=dict(type='Pretrained', checkpoint=''), **{TINY_CLASSIFIER!r}))",
    )
    yield from each(files.checkpoints, lambda path: [judged, 'out', '--cfg-options', f'synthesis.classifier.init_cfg.checkpoint={path}'])
    yield from each(files.jsons, lambda path: [own, 'out', '--plan', path], 'plan')
    yield from each(files.configs, lambda path: [path, 'out'])
    yield from bad_places(files, lambda out: [own, out, '--cfg-options', f'synthesis.labelled_generator={good}'])


def with_card(good: Path, card: Path) -> Path:
    """A labelled generator with another card."""
    folder = Path(shutil.copytree(good, card.parents[1] / 'with_cards' / card.stem))
    (folder / 'labelled_generator.json').unlink()
    (folder / 'labelled_generator.json').symlink_to(card)
    return folder


def verify(files: Files) -> Attacks:
    alone = ['--processes', '1']
    yield from each(files.datasets, lambda path: [path, *alone], 'check')
    yield from each(files.datasets, lambda path: [copied(files, path, 'mended'), *alone, '--repair'], 'mend')
    for place in ('logs/plan.json', 'logs/identity.json', 'logs/blocks/disc/000000.jsonl', 'logs/ranks/x.json', 'blocks.jsonl'):
        for path in files.jsons:
            root = damaged(files, f'{Path(place).stem}_{path.stem}')
            (root / place).parent.mkdir(exist_ok=True)
            (root / place).unlink(missing_ok=True)
            (root / place).symlink_to(path)
            yield root.name, [root, *alone, '--repair']
    for kind, paths in (('labelled_generator', files.cards), ('classifier', files.checkpoints)):
        for path in paths:
            root = damaged(files, f'{kind}_{path.stem}')
            plan = json.loads((root / 'logs/plan.json').read_text())
            plan[kind] = str(path) if kind == 'labelled_generator' else judge(path)
            (root / 'logs/plan.json').write_text(json.dumps(plan))
            yield root.name, [root, *alone, '--repair']
    for path in files.configs:
        yield f'config_{path.stem}', [damaged(files, f'config_{path.name}'), *alone, '--repair', '--config', path]
    yield from bad_places(files, lambda out: [files.good / 'folder', *alone, '--json', out], '.json')


def copied(files: Files, root: Path, place: str) -> Path:
    """With its pipes and links."""
    (files.root / place).mkdir(exist_ok=True)
    subprocess.run(['cp', '-a', root, files.root / place / root.name], check=True)
    return files.root / place / root.name


def damaged(files: Files, name: str) -> Path:
    """A dataset of which an image is lost."""
    root = Path(shutil.copytree(files.good / 'folder', files.root / 'damaged' / name))
    next(root.glob('images/disc/*.png')).unlink()
    return root


def judge(weights: Path) -> dict:
    return dict(TINY_CLASSIFIER, init_cfg=dict(type='Pretrained', checkpoint=str(weights)))


def browse_dataset(files: Files) -> Attacks:
    yield from each(files.datasets, lambda path: [segmentation(files, path), 'x.png'])
    yield from each(files.configs, lambda path: [path, 'x.png'])
    yield from bad_places(files, lambda out: [segmentation(files, files.good / 'folder'), out], '.png')


INTERPRETER = """
model = dict(type='mmbdg.InterpreterTraining', generator={generator!r})
train_dataloader = dict(
    dataset=dict(type='mmbdg.AnnotatedLatents', data_root='', name='tiny', latent_dim=12, resolution=16, class_names={classes!r})
)
"""


def annotate(files: Files) -> Attacks:
    interpreter = config(files, 'interpreter', INTERPRETER.format(generator=TINY_GENERATOR, classes=TINY_CLASSES))
    sets = files.root / 'annotated'
    for path in files.pictures:
        for kind in ('images', 'annotations'):
            root = annotated_set(sets / f'{kind}_{path.stem}', kind, path)
            yield f'import_{kind}_{path.stem}', ['import', root, 'dst']
            yield f'encode_{kind}_{path.stem}', ['encode', interpreter, root, 'dst']
        yield f'check_{path.stem}', ['check', sets / f'annotations_{path.stem}', '--config', interpreter]
        yield f'auto_{path.stem}', ['auto', sets / f'images_{path.stem}']
    for path in hostile_files.write_hostile_latents(files.root / 'latents', files.marker):
        root = annotated_set(sets / f'latents_{path.stem}', 'latents', path)
        yield f'import_latents_{path.stem}', ['import', root, 'dst']
        yield f'check_latents_{path.stem}', ['check', root]
    good = annotated_set(sets / 'good')
    exports = [*files.jsons, *hostile_files.write_hostile_annotations(files.root / 'annotations', good)]
    yield from each(exports, lambda path: ['import', path, 'dst', '--latents', good])
    yield from each(files.jsons, lambda path: ['import', with_project(good, path), 'dst'], 'project')
    yield from each(files.checkpoints, lambda path: ['auto', good, '--model', path])
    yield from bad_places(files, lambda out: ['import', good, out])
    for name, arguments in bad_places(files, lambda out: ['sample', interpreter, out, '--per-class', '1']):
        yield f'{name}_sample', arguments
    for verb in ('sample', 'encode'):
        yield from each(files.configs, lambda path, verb=verb: [verb, path, good, 'out'][: 4 if verb == 'encode' else 3], verb)


def annotated_set(root: Path, kind: str = '', hostile: Path | None = None) -> Path:
    """What an annotator gives back; one of its files of one kind is hostile."""
    make_out(root)
    write_masks(root, noisy_masks(), 'annotations')
    if hostile:
        path = sorted((root / kind).rglob('*.*'))[0]
        path.unlink()
        path.symlink_to(hostile)
    return root


def with_project(good: Path, project: Path) -> Path:
    root = Path(shutil.copytree(good, good.parent / f'project_{project.stem}'))
    (root / 'project.json').symlink_to(project)
    return root


def benchmark(files: Files) -> Attacks:
    generator = config(files, 'benchmark', f"generator = dict(init_cfg=dict(type='Pretrained', checkpoint=''), **{TINY_GENERATOR!r})")
    option = 'generator.init_cfg.checkpoint='
    yield from each(files.checkpoints, lambda path: ['generator', generator, '--cfg-options', f'{option}{path}'])
    for command in ('generator', 'interpreter', 'synthesis', 'joint'):
        yield from each(files.configs, lambda path, command=command: [command, path], command)
    yield from each(files.configs, lambda path: ['online', path, path], 'online')
    yield from bad_places(files, lambda out: ['masks', '--sizes', '100', '--out', out], '.json')


def chest_xray(files: Files) -> Attacks:
    for path in files.pictures:
        for kind in ('images', 'masks'):
            root = files.root / 'chest_xray' / f'{kind}_{path.stem}'
            for part in ('images', 'masks'):
                (root / 'nih' / part).mkdir(parents=True)
                for i in range(100):
                    (root / 'nih' / part / f'{i:03d}.png').symlink_to(path if part == kind and i == 0 else files.picture)
            yield f'{kind}_{path.stem}', [root, 'out', '--sets', 'nih', '--size', '32']


def cityscapes(files: Files) -> Attacks:
    yield from each(files.jsons, lambda path: [official(files, path, 'gtFine/train/aachen/aachen_000000_000019_gtFine_polygons.json')])


def coco(files: Files) -> Attacks:
    yield from each(files.jsons, lambda path: [official(files, path, 'annotations/instances_train2017.json')])


def stamps(files: Files) -> Attacks:
    """A small selection in place of the package's own is not an option of the command: packages that lack everything, and empty files."""
    empty = files.root / 'packages_without_files'
    for name in ('tuxpaint-stamps-default', 'tuxpaint-data', 'lomiri-wallpapers-16.04', 'mate-backgrounds'):
        place = empty / 'usr/share/doc' / name
        place.mkdir(parents=True, exist_ok=True)
        (place / 'copyright').touch()
    yield 'nothing', [files.root / 'nothing', 'out']
    yield 'without_files', [empty, 'out', '--any-version']
    crow = empty.with_name('packages_with_a_link_out')
    shutil.copytree(empty, crow)
    (crow / 'usr/share/tuxpaint').mkdir(parents=True)
    (crow / 'usr/share/tuxpaint/stamps').symlink_to(files.root / 'outside')
    yield 'link_out', [crow, 'out', '--any-version']


def threshold(files: Files) -> Attacks:
    yield from each(files.datasets, lambda path: [path, 'out.json'])
    yield from each(files.configs, lambda path: [f'{path}:dataset', 'out.json'])
    yield from bad_places(files, lambda out: [files.good / 'folder', out], '.json')


def voc(files: Files) -> Attacks:
    yield from each(files.jsons, lambda path: [official(files, path, 'VOC2007/ImageSets/Main/trainval.txt')])


def official(files: Files, hostile: Path, place: str) -> Path:
    """A folder of a public dataset with a hostile file in it."""
    root = files.root / 'official' / hostile.stem
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).symlink_to(hostile)
    return root


def fashion_mnist(files: Files) -> Attacks:
    for path in hostile_files.write_hostile_idx(files.root / 'idx'):
        root = files.root / 'fashion' / path.stem
        root.mkdir(parents=True)
        for name in ('train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1'):
            (root / f'{name}-ubyte{path.suffix}').symlink_to(path)
        yield path.stem, ['out.npz', '--root', root]


def colour_garments(files: Files) -> Attacks:
    yield from bad_places(files, lambda out: [out, '--label-fraction', '0.001'])


def garment_pool(files: Files) -> Attacks:
    yield from bad_places(files, lambda out: [out])
    yield 'no_full_set', ['out', '--source', files.root / 'nothing']


def index_pool(files: Files) -> Attacks:
    """Hostile images, tables, JSON beside images, shards and configs; all of it in places that belong to the pool."""
    index, head = ['--index', 'i'], 'file,caption\n'
    for path in files.pictures:
        name = f'x{path.suffix}'
        yield f'image_{path.stem}', [pool_with(files, 'images', path, name, f'{head}{name},a boot\n'), *index]
    for path in files.jsons:
        yield f'table_{path.stem}', [pool_with(files, 'tables', path, 'captions.csv'), *index]
        yield f'beside_{path.stem}', [pool_with(files, 'beside', path, 'a.json', picture='a.png'), *index]
    for name in ('link.png', '../x.png', '/etc/passwd'):
        root = pool_with(files, Path(name).stem, files.root / 'outside', 'link.png', f'{head}{name},a\n')
        yield f'name_{Path(name).stem}', [root, *index]
    yield from each(files.datasets, lambda path: [path, '--index', 'i'], 'dataset')
    good = pool_with(files, 'good', files.picture, 'x.png', 'file,caption\nx.png,a boot\n', copy=True)
    yield from each(files.configs, lambda path: [good, path, '--index', 'i'], 'config')
    yield from each(files.checkpoints, lambda path: [good, '--index', 'i', '--clip', path], 'clip')
    yield from bad_places(files, lambda out: [good, '--index', out])


def score_retrieval(files: Files) -> Attacks:
    pool, index = pool_with(files, 'scored', files.picture, 'x.png', 'file,caption\nx.png,a boot\n', copy=True), files.root / 'scored_index'
    build_index(str(pool), index, log=lambda line: None)
    text = "synthesis = dict(source=dict(type='mmbdg.RetrievalSource', pool={!r}, index={!r}, classes=['boot'], mode='match'))"
    own, truth = config(files, 'retrieval', text.format(str(pool), str(index))), files.root / 'truth.csv'
    truth.write_text('file,class\nx.png,boot\n')
    yield from each(files.jsons, lambda path: [own, path], 'truth')
    yield from each(files.configs, lambda path: [path, truth], 'config')
    for path in files.jsons:
        bad = Path(shutil.copytree(index, files.root / 'bad_index' / path.stem))
        (bad / 'index.json').unlink()
        (bad / 'index.json').symlink_to(path)
        yield f'index_{path.stem}', [config(files, f'retrieval_{path.stem}', text.format(str(pool), str(bad))), truth]
    yield from bad_places(files, lambda out: [own, truth, '--out', out], '.json')


def pool_with(files: Files, kind: str, hostile: Path, place: str, table: str = '', picture: str = '', copy: bool = False) -> Path:
    """A pool with a hostile file in it: a link, or a copy."""
    root = files.root / 'pools' / f'{kind}_{hostile.stem}'
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    if table:
        (root / 'captions.csv').write_text(table)
    if picture:
        shutil.copy(files.picture, root / picture)
    if copy or (hostile.is_file() and hostile.suffix in ('.png', '.jpg')):
        shutil.copy(hostile, root / place)
    else:
        (root / place).symlink_to(hostile)
    return root


def label_spaces(files: Files) -> Attacks:
    wordnet = files.root / 'data.noun'
    wordnet.write_text('00001740 03 n 01 entity 0 000\n')
    yield from each(files.jsons, lambda path: ['out', '--wordnet', wordnet, '--classes', path])
    yield from each(files.jsons, lambda path: ['out', '--wordnet', path], 'wordnet')


def subsets(files: Files) -> Attacks:
    yield from bad_places(files, lambda out: [out])


def convert_interpreter(files: Files) -> Attacks:
    yield from each(files.checkpoints, lambda path: [ROOT / 'configs/interpreter/biggan32_fashion.py', 'out', path])
    yield from each(files.configs, lambda path: [path, 'out', files.checkpoints[0]])


def compare_dataset(files: Files) -> Attacks:
    good = files.good / 'folder'
    yield from each(files.datasets, lambda path: [path, 'figures.json', '--reference', good])
    yield from each(files.datasets[:5], lambda path: [good, 'figures.json', '--reference', path], 'reference')
    yield from each(files.checkpoints, lambda path: [good, 'figures.json', '--reference', good, '--inception', path])
    yield from bad_places(files, lambda out: [good, out, '--reference', good, '--features', 'resnet_fashion32'], '.json')


def compare_rejection(files: Files) -> Attacks:
    early, good = ROOT / 'configs/synthesis/biggan32_fashion_early.py', files.good / 'folder'
    features = ['--features', 'resnet_fashion32', '--blocks', '1', '--seeds', '0', '--classes', '0']
    few = ['--cfg-options', 'synthesis.candidates=20']
    yield from each(files.configs, lambda path: [path, 'figures.json'])
    yield from each(files.datasets[:5], lambda path: [early, 'figures.json', *features, '--reference', path, *few], 'reference')
    for path in files.checkpoints:
        yield f'judge_{path.stem}', [early, 'figures.json', *features, '--reference', good, *few, f'synthesis.filters.0.early.judge={path}']
    yield from bad_places(files, lambda out: [early, out, *features, '--reference', good, *few], '.json')


def coarse_masks(files: Files) -> Attacks:
    own = config(files, 'coarse', INTERPRETER.format(generator=TINY_GENERATOR, classes=TINY_CLASSES))
    yield from each(files.configs, lambda path: [path, 'coarse.json'])
    yield from bad_places(files, lambda out: [own, out], '.json')


STUDY = """
compare = dict(
    name='compare',
    tool='compare_dataset.py',
    arguments=[{good!r}, '{{out}}/figures.json', '--reference', {good!r}],
)
study = dict(rows=[dict(name='a', steps=[compare])], figures=[dict(name='SD', read='figures.json:figures.SD')], seeds=[0])
"""


def study(files: Files) -> Attacks:
    good = str(files.good / 'folder')
    own = config(files, 'study', STUDY.format(good=good))
    yield from each(files.configs, lambda path: [path, 'out'])
    for path in files.jsons:
        for place in ('study.json', 'recipes/a/all/seed0/compare.json'):
            if place != 'study.json' and path.stem in ('another', 'pipe'):  # any dict may be an old recipe, and a pipe is none
                continue
            root = files.root / 'studies' / f'{path.stem}_{Path(place).stem}'
            (root / place).parent.mkdir(parents=True)
            if place != 'study.json':
                (root / 'study.json').write_text('{"study": "study"}')
            (root / place).symlink_to(path)
            yield root.name, [own, root]
    yield from bad_places(files, lambda out: [own, out])


CLASSIFICATION = """
model = {classifier!r}
train_dataloader = val_dataloader = test_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='mmbdg.FashionMNIST32', split='test', pipeline=[dict(type='PackInputs')]),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=1)
val_cfg = test_cfg = dict()
val_evaluator = test_evaluator = dict(type='Accuracy')
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1))
default_scope = 'mmpretrain'
load_from = None
"""


def training(files: Files) -> Path:
    return config(files, 'classification', CLASSIFICATION.format(classifier=TINY_CLASSIFIER))


def measure(files: Files) -> Attacks:
    yield from each(files.checkpoints, lambda path: [training(files), path])
    yield from each(files.configs, lambda path: [path, files.checkpoints[0]])
    yield from bad_places(files, lambda out: [training(files), files.classifier, '--out', out], '.json')
    for name, arguments in bad_places(files, lambda out: [training(files), files.classifier, '--work-dir', out]):
        yield f'{name}_work_dir', arguments


def corruptions(files: Files) -> Attacks:
    good, weights = ROOT / 'configs/robustness/classifier_corruptions.py', ROOT / 'mmbdg/assets/fashion32/classifier.safetensors'
    yield from each(files.checkpoints, lambda path: [good, path, 'x.json'])
    yield from each(files.configs, lambda path: [path, weights, 'x.json'])
    yield from bad_places(files, lambda out: [good, weights, out], '.json')


def train(files: Files) -> Attacks:
    own, option = training(files), '--cfg-options'
    yield from each(files.checkpoints, lambda path: [own, option, f'load_from={path}'], 'load_from')
    yield from each(files.checkpoints, lambda path: [own, '--resume', path], 'resume')
    for kind in ('Pretrained', 'mmbdg.PretrainedBackbone'):
        text = "model['backbone']['init_cfg'] = dict(type='{kind}', checkpoint='{path}')\n"
        for path in files.checkpoints:
            name = f'{kind.removeprefix("mmbdg.")}_{path.stem}'
            yield name, [config(files, name, own.read_text() + text.format(kind=kind, path=path))]
    yield from each(files.configs, lambda path: [path])
    yield from bad_places(files, lambda out: [own, '--work-dir', out])


def protocol_table(files: Files) -> Attacks:
    yield from bad_places(files, lambda out: [out], '.md')


def class_senses(files: Files) -> Attacks:
    text = "senses = dict(classes=[dict(id='bag', name='bag')], candidates={candidates}, language_model={model})"
    good = config(files, 'senses', text.format(candidates=dict(bag=['handbag', 'trouser']), model=None))
    yield from each(files.configs, lambda path: ['find', path, 'senses.json'])
    for path in files.jsons:
        own = config(files, f'candidates_{path.stem}', text.format(candidates=repr(str(path)), model=None))
        yield f'candidates_{path.stem}', ['find', own, 'senses.json']
        listed = config(files, f'classes_{path.stem}', f'senses = dict(classes={str(path)!r})')
        yield f'classes_{path.stem}', ['find', listed, 'senses.json']
        model = dict(folder=str(model_folder(files, path)))
        yield f'model_{path.stem}', ['find', config(files, f'model_{path.stem}', text.format(candidates=None, model=model)), 'senses.json']
    yield from each(files.jsons, lambda path: ['apply', good, path, 'classes.json'], 'apply')
    yield from bad_places(files, lambda out: ['find', good, out], '.json')


ABOUT = ['--domain', 'fashion', '--method', 'x', '--pretraining', 'x', '--backbone', 'x', '--data', 'real', '--consumed', '0', '0', '1']


def leaderboard(files: Files) -> Attacks:
    entries = files.root / 'entries'
    good = made_entries.written(entries / 'good', made_entries.content())
    yield from each(files.jsons, lambda path: [path, '--out', 'out'])
    yield from each(files.jsons, lambda path: [good / '0.json', path, '--out', 'out'], 'second')
    yield from each(files.jsons, lambda path: [path, '--new', 'x.json', *ABOUT], 'result')
    for name, changed in made_entries.HOSTILE.items():
        yield f'entry_{name}', [made_entries.written(entries / name, made_entries.content() | changed), '--out', 'out']
    for name in ('/etc/hostname', '../x', 'https://a.org/?"><script>'):
        yield f'links_{Path(name).stem[:4]}', [good, '--out', 'out', '--links', name]
    run = dict(row='x', column='x', seed=0, steps=[dict(step='../../outside', fingerprint='x')])
    (entries / 'study.json').write_text(json.dumps(dict(study='x', runs=[run])))
    yield 'study_leads_out', [entries / 'study.json', '--row', 'x', '--new', 'x.json', *ABOUT]
    (entries / 'linked').mkdir()
    (entries / 'linked' / 'x.json').symlink_to('/dev/zero')
    yield 'linked_to_a_device', [entries / 'linked', '--out', 'out']
    yield from bad_places(files, lambda out: [good, '--out', out])
    (entries / 'result.json').write_text(json.dumps(made_entries.result()))
    for name, arguments in bad_places(files, lambda out: [entries / 'result.json', '--new', out, *ABOUT], '.json'):
        yield f'{name}_of_an_entry', arguments


def figures(files: Files) -> Attacks:
    folder, classes = files.root / 'results', dict(bag=dict(images=1, mIoU=1.0), coat=dict(images=1, mIoU=2.0))
    folder.mkdir(exist_ok=True)
    parts = [dict(dataset='x', synthetic=True, images=1)]
    whole = dict(per_label={}, per_class=classes, training_set=parts, backbone=dict(type='x', depth=1))
    hostile = dict(
        size=dict(training_set=[dict(parts[0], images=10**400)]),
        depth=dict(backbone=dict(type='x', depth=10**400)),
        classes=dict(per_class=dict.fromkeys(classes, dict(images=1, mIoU=10**400))),
        figure=dict(metrics=dict(mIoU=10**400)),
        predictions=dict(predictions=dict(file='../../outside', sha256='', images=[])),
    )
    for name, changed in dict(good={}, **hostile).items():
        (folder / f'{name}.json').write_text(json.dumps(made_entries.result() | whole | changed))
    for kind in ('classes', 'size', 'predictions'):
        yield from each(files.jsons, lambda path, kind=kind: [kind, path, '--out', 'x.png'], kind)
    yield from each(files.jsons, lambda path: ['classes', folder / 'good.json', '--classifier', path, '--out', 'x.png'], 'classifier')
    for name in hostile:
        yield f'large_{name}', [name if name in ('size', 'depth', 'predictions') else 'classes', folder / f'{name}.json', '--out', 'x.png']
    (folder / 'device.npz').symlink_to('/dev/zero')
    for place, file in enumerate(('device.npz', 'good.json')):
        saved = dict(file=file, sha256=sha256(folder / 'good.json'), images=[dict(image=1, name=None)])
        (folder / f'saved_{place}.json').write_text(json.dumps(made_entries.result() | dict(predictions=saved)))
        yield f'saved_{place}', ['predictions', folder / f'saved_{place}.json', '--out', 'x.png']
    yield from bad_places(files, lambda out: ['classes', folder / 'good.json', '--out', out], '.png')


def model_folder(files: Files, hostile: Path) -> Path:
    """A folder of a language model with another config."""
    folder = files.root / 'language_models' / hostile.stem
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / 'config.json').symlink_to(hostile)
        (folder / 'model.safetensors').write_bytes(b'')
    return folder


def exchange_rate(files: Files) -> Attacks:
    folder = files.root / 'curves'
    folder.mkdir(exist_ok=True)
    good = dict(
        rows={name: dict(title='x' * 10**4) for name in 'ab'},
        columns={str(n): dict(title='', value=n) for n in (1, 2)},
        figures=dict(x=dict(title='$x', unit='', read='x')),
        runs=[dict(row=row, column=str(n), seed=0, figures=dict(x=n)) for row in 'ab' for n in (1, 2)],
    )
    for name, changed in dict(
        good={},
        value=dict(columns={str(n): dict(title='', value=n * 10**400) for n in (1, 2)}),
        figure=dict(runs=[one | dict(figures=dict(x=10**400)) for one in good['runs']]),
        column=dict(runs=[one | dict(column='../..') for one in good['runs']]),
    ).items():
        (folder / f'{name}.json').write_text(json.dumps(good | changed))
    yield from each(files.jsons, lambda path: [f'{path}:a', f'{folder}/good.json:b', 'out'])
    for name in ('value', 'figure', 'column'):
        yield name, [f'{folder}/good.json:a', f'{folder}/{name}.json:b', 'out']
    yield from bad_places(files, lambda out: [f'{folder}/good.json:a', f'{folder}/good.json:b', out])


def plan_round(files: Files) -> Attacks:
    good = files.root / 'scores.json'
    scores = dict(config='', checkpoint_sha256='', test_set=None, per_class=None)
    good.write_text(json.dumps(scores | dict(per_label=dict.fromkeys(TINY_CLASSES, 50.0))))
    wrong = good.with_name('infinite.json')
    wrong.write_text(json.dumps(scores | dict(per_label=dict.fromkeys(TINY_CLASSES, 10**400))))
    yield from each([*files.jsons, wrong], lambda path: [path, 'plan.json', '--total', '9'])
    read = [path for path in files.datasets if path.name != 'shard_is_a_pipe']  # images and masks are not opened
    yield from each(read, lambda path: [good, 'plan.json', '--total', '9', '--after', path], 'after')
    yield from bad_places(files, lambda out: [good, out, '--total', '9'], '.json')


def prompts(files: Files) -> Attacks:
    good = config(files, 'prompts', "prompts = dict(classes=['bag'], per_class=2)")
    yield from each(files.configs, lambda path: [path, 'prompts.json'])
    for key in ('classes', 'slots'):
        yield from each(files.jsons, lambda path, key=key: [good, 'prompts.json', '--cfg-options', f'+prompts.{key}={path}'], key)
    for path in files.jsons:
        option = f'+prompts.language_model.folder={model_folder(files, path)}'
        yield f'model_{path.stem}', [good, 'prompts.json', '--cfg-options', option]
    yield from bad_places(files, lambda out: [good, out], '.json')


def wise_ft(files: Files) -> Attacks:
    own = ROOT / 'configs' / 'clip' / 'tune_fashion32.py'
    yield from each(files.checkpoints, lambda path: [own, 'out.safetensors', '--tuned', path])
    yield from each(files.jsons[:3], lambda path: [own, 'out.safetensors', '--cfg-options', f'classes={path}'], 'classes')
    yield from each(files.configs, lambda path: [path, 'out.safetensors'])
    yield from bad_places(files, lambda out: [own, out], '.safetensors')


ATTACKS: dict[str, Callable[[Files], Attacks]] = {
    'tools/analyze.py': analyze,
    'tools/annotate.py': annotate,
    'tools/benchmark.py': benchmark,
    'tools/browse_dataset.py': browse_dataset,
    'tools/check_images.py': check_images,
    'tools/class_senses.py': class_senses,
    'tools/coarse_masks.py': coarse_masks,
    'tools/compare_dataset.py': compare_dataset,
    'tools/compare_rejection.py': compare_rejection,
    'tools/convert_generator.py': convert_generator,
    'tools/convert_interpreter.py': convert_interpreter,
    'tools/corruption_accuracy.py': corruptions,
    'tools/dataset_converters/chest_xray.py': chest_xray,
    'tools/dataset_converters/cityscapes.py': cityscapes,
    'tools/dataset_converters/coco.py': coco,
    'tools/dataset_converters/colour_garments.py': colour_garments,
    'tools/dataset_converters/fashion_mnist.py': fashion_mnist,
    'tools/dataset_converters/garment_pool.py': garment_pool,
    'tools/dataset_converters/imagenet_label_spaces.py': label_spaces,
    'tools/dataset_converters/imagenet_subsets.py': subsets,
    'tools/dataset_converters/shards_to_folders.py': unpack,
    'tools/dataset_converters/stamps.py': stamps,
    'tools/dataset_converters/synthetic_to_coco.py': converter('.json'),
    'tools/dataset_converters/synthetic_to_image_folder.py': converter(),
    'tools/dataset_converters/voc.py': voc,
    'tools/exchange_rate.py': exchange_rate,
    'tools/export.py': export,
    'tools/explore.py': explore,
    'tools/extract_backbone.py': extract_backbone,
    'tools/figures.py': figures,
    'tools/index_pool.py': index_pool,
    'tools/leaderboard.py': leaderboard,
    'tools/plan_round.py': plan_round,
    'tools/prompts.py': prompts,
    'tools/protocol_table.py': protocol_table,
    'tools/push.py': push,
    'tools/score_retrieval.py': score_retrieval,
    'tools/select_samples.py': select_samples,
    'tools/show_generator.py': show_generator,
    'tools/study.py': study,
    'tools/synthesize.py': synthesize_,
    'tools/test.py': measure,
    'tools/threshold_baseline.py': threshold,
    'tools/train.py': train,
    'tools/verify.py': verify,
    'tools/wise_ft.py': wise_ft,
}


def test_every_tool_is_attacked():
    assert sorted(ATTACKS) == sorted(TOOLS), 'say in ATTACKS what a new tool is to be tried with'


@pytest.mark.parametrize('tool', ATTACKS)
def test_attacks(tool, files, tmp_path):
    attacks = {name: [str(argument) for argument in arguments] for name, arguments in ATTACKS[tool](files)}
    (tmp_path / 'attacks.json').write_text(json.dumps(attacks))
    outside = below(files.root / 'outside')
    run_tool(ROOT / 'tests' / 'attacks.py', ROOT / tool, tmp_path / 'attacks.json', tmp_path / 'results.json')
    results = json.loads((tmp_path / 'results.json').read_text())
    wrong = {name: fault for name, result in results.items() if (fault := fault_of(result, SAYS.get(tool, '')))}
    assert not wrong, '\n'.join(f'{name}: {fault}' for name, fault in wrong.items())
    assert results.keys() == attacks.keys() and not files.marker.exists()
    assert below(files.root / 'outside') == outside


def below(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob('*'))


SAYS = {'tools/verify.py': ' is damaged, ', 'tools/check_images.py': ' broken'}
"""What tools say that list faults, or mend them, instead of ending with an error."""


def fault_of(result: dict, says: str = '') -> str:
    """What is wrong with how a tool ended; '' if nothing is. One that lists faults may have said what is damaged."""
    output = result['output']
    told = says and (result['code'], output.count('error: ')) in ((0, 0), (1, 0)) and says in output
    if 'Traceback' in output or not (told or (result['code'], output.count('error: ')) == (2, 1)):
        return f'exit code {result["code"]} after {result["seconds"]:.0f} s: {output.strip()[-400:]}'
    if 'weights_only' in output:
        return f'advises to run the file: {output}'
    if result['memory'] > MOST_MB or result['seconds'] > MOST_SECONDS:
        return f'{result["memory"]:.0f} MB, {result["seconds"]:.0f} s'
    return ''
