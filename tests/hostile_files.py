"""Malicious files: they try to run code, to lead out of their folder, or to use all memory."""

import gzip
import io
import json
import os
import pickle
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mmbdg.storage.checksums import checksum, sealed


class Named:
    """An object that calls a function when it is unpickled."""

    def __init__(self, function: Callable, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple:
        return self.call


def write_checkpoint_that_runs_code(path: Path, marker: Path) -> None:
    """Write a torch file whose pickle reaches ``eval`` through ``getattr``: ``getattr.__self__`` is the module ``builtins``."""

    def text(value: str) -> bytes:
        return b'X' + len(value.encode()).to_bytes(4, 'little') + value.encode()

    def name(module: str, attribute: str) -> bytes:
        return f'c{module}\n{attribute}\n'.encode()

    builtins = name('builtins', 'getattr') + name('builtins', 'getattr') + text('__self__') + b'\x86R'
    evaluate = name('builtins', 'getattr') + builtins + text('eval') + b'\x86R'
    code = text(f"__import__('pathlib').Path({str(marker)!r}).touch() or __import__('torch').zeros(1)") + b'\x85'
    call = name('torch._tensor', '_rebuild_from_type_v2') + b'(' + evaluate + name('torch', 'Tensor') + code + b'}tR'
    hostile = b'\x80\x02}' + text('state_dict') + b'}' + text('backbone.conv1.weight') + call + b'ss.'
    genuine = io.BytesIO()
    torch.save(dict(x=torch.zeros(1)), genuine)
    with zipfile.ZipFile(genuine) as source, zipfile.ZipFile(path, 'w') as target:
        for entry in source.infolist():
            target.writestr(entry.filename, hostile if entry.filename.endswith('data.pkl') else source.read(entry))


def write_hostile_cards(good: Path, out: Path, marker: Path) -> list[Path]:
    """Write copies of a labelled generator whose cards name forbidden types or folders that lead out."""
    touch, content = f'touch {marker}', json.loads((good / 'labelled_generator.json').read_text())
    (out / 'hub').mkdir(parents=True)
    (out / 'hub' / 'hubconf.py').write_text(f"import os; os.system('{touch}')\ndef m(**k): pass\n")
    hub = dict(type='torch.hub.load', repo_or_dir=str(out / 'hub'), model='m', source='local')
    cards = dict(
        command=content | dict(generator=dict(type='os.system', command=touch)),
        process=content | dict(interpreter=dict(type='subprocess.Popen', args=['touch', str(marker)])),
        within_a_model=content | dict(generator=dict(type='mmpretrain.ImageClassifier', backbone=dict(type='os.system', command=touch))),
        member=content | dict(interpreter=content['interpreter'] | dict(member=hub)),
        argument=content | dict(generator=content['generator'] | dict(attention=dict(type='os.system', command=touch))),
        checkpoint=content | dict(generator=content['generator'] | dict(init_cfg=dict(type='Pretrained', checkpoint='/etc/hostname'))),
        scope=content | dict(generator=content['generator'] | dict(_scope_='mmpretrain')),
        another_kind=content | dict(generator=content['interpreter']),
        folder_leads_out=content | dict(folders=['../../outside', *content['folders'][1:]]),
        folder_is_absolute=content | dict(folders=[str(marker), *content['folders'][1:]]),
        huge=content | dict(generator=content['generator'] | dict(base_channels=2**16)),
        endless=content | dict(interpreter=content['interpreter'] | dict(num_members=10**7)),
        number_as_text=content | dict(seed='0'),
        list_as_text=content | dict(classes='in1k'),
    )
    folders = []
    for name, card in cards.items():
        folder = out / name
        folder.mkdir()
        for part in ('generator', 'interpreter'):
            shutil.copy(good / f'{part}.safetensors', folder)
        (folder / 'labelled_generator.json').write_text(json.dumps(card))
        folders.append(folder)
    return folders


def write_hostile_checkpoints(folder: Path, marker: Path) -> list[Path]:
    """Write malicious or damaged files with the suffixes of weights."""
    folder.mkdir(parents=True)
    write_checkpoint_that_runs_code(folder / 'code_by_getattr.pth', marker)
    torch.save(dict(state_dict=Named(os.system, f'touch {marker}')), folder / 'code.pth')
    torch.save(Named(os.system, f'touch {marker}'), folder / 'old_format.pth', _use_new_zipfile_serialization=False)
    (folder / 'plain_pickle.pth').write_bytes(pickle.dumps(Named(os.system, f'touch {marker}')))
    (folder / 'pointer.pth').write_text(f'version https://git-lfs.github.com/spec/v1\noid sha256:{"0" * 64}\nsize 100000\n')
    (folder / 'page.pth').write_text('<!DOCTYPE html><html>Sign in</html>')
    (folder / 'empty.pth').touch()
    (folder / 'number.pth').write_bytes(_saved(3))
    (folder / 'cut_off.pth').write_bytes(_saved(dict(state_dict=dict(x=torch.zeros(1000))))[:-500])
    (folder / 'deep.pth').write_bytes(b'\x80\x02' + b'}X\x01\x00\x00\x00a' * 5000 + b'}' + b's' * 5000 + b'.')
    with zipfile.ZipFile(io.BytesIO(_saved(dict(x=torch.zeros(1))))) as source, zipfile.ZipFile(folder / 'bomb.pth', 'w') as target:
        for entry in source.infolist():
            bomb = entry.filename.endswith('data/0')
            target.writestr(entry.filename, bytes(2**26) if bomb else source.read(entry), zipfile.ZIP_DEFLATED if bomb else None)
    os.mkfifo(folder / 'pipe.pth')
    (folder / 'device.pth').symlink_to('/dev/zero')
    (folder / 'header.safetensors').write_bytes((2**62).to_bytes(8, 'little') + b'{}')
    header = json.dumps(dict(x=dict(dtype='F32', shape=[2**40], data_offsets=[0, 2**42]))).encode()
    (folder / 'shape.safetensors').write_bytes(len(header).to_bytes(8, 'little') + header)
    return sorted(folder.iterdir())


def _saved(value: object) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def write_hostile_pictures(folder: Path) -> list[Path]:
    """Write malicious or damaged PNG files, in place of images of 32 pixels."""
    folder.mkdir(parents=True)
    good = _png(np.zeros((32, 32), np.uint8))
    (folder / 'empty.png').touch()
    (folder / 'cut_off.png').write_bytes(good[: len(good) // 2])
    (folder / 'text.png').write_text('<svg onload="alert(1)"/>')
    (folder / 'zeros.png').write_bytes(bytes(len(good)))
    (folder / 'huge.png').write_bytes(_png_of(60_000, 60_000, b''))
    (folder / 'bomb.png').write_bytes(_png_of(40_000, 20_000, _compressed_zeros(20_000 * 40_001)))
    os.mkfifo(folder / 'pipe.png')
    (folder / 'device.png').symlink_to('/dev/zero')
    (folder / 'loop.png').symlink_to('loop.png')
    (folder / 'folder.png').mkdir()
    return sorted(folder.iterdir())


def _png(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, 'PNG')
    return file.getvalue()


def _compressed_zeros(size: int) -> bytes:
    """``zlib.compress(bytes(size))`` without compressing them all: the same compressed part repeated."""
    part, rest = zlib.compressobj(9, wbits=-15), zlib.compressobj(9, wbits=-15)
    parts = (part.compress(bytes(2**20)) + part.flush(zlib.Z_FULL_FLUSH)) * (size // 2**20)
    return b'\x78\xda' + parts + rest.compress(bytes(size % 2**20)) + rest.flush() + (size % 65521 << 16 | 1).to_bytes(4, 'big')


def _png_of(width: int, height: int, data: bytes) -> bytes:
    """A grey PNG with the given size in its header."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, 'big') + name + content + zlib.crc32(name + content).to_bytes(4, 'big')

    header = width.to_bytes(4, 'big') + height.to_bytes(4, 'big') + bytes([8, 0, 0, 0, 0])
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', data) + chunk(b'IEND', b'')


JSONS = dict(
    cut_off='{"a": [1, ',
    empty='',
    number='3',
    null='null',
    text='"x"',
    list_of_lists='[[[]]]',
    zeros='\0' * 100,
    deep='[' * 50_000 + ']' * 50_000,
    latin='{"ü": 1}'.encode('latin-1'),
    many_digits='{"a": ' + '9' * 10_000 + '}',
    another='{"type": "os.system", "command": "true"}',
)
"""JSON with content that no reader expects, or text that is not JSON."""


def write_jsons(folder: Path) -> list[Path]:
    """Write a file for each of :data:`JSONS`, and a named pipe."""
    folder.mkdir(parents=True)
    for name, text in JSONS.items():
        (folder / f'{name}.json').write_bytes(text if isinstance(text, bytes) else text.encode())
    os.mkfifo(folder / 'pipe.json')
    return sorted(folder.iterdir())


class Copies:
    """Copies of valid synthetic datasets, each with one error. See :func:`write_hostile_datasets`."""

    def __init__(self, out: Path, folders: Path, shards: Path) -> None:
        self.out, self.folders, self.shards, self.made = out, folders, shards, []

    def copy(self, name: str, shards: bool = False) -> Path:
        self.made.append(Path(shutil.copytree(self.shards if shards else self.folders, self.out / name)))
        return self.made[-1]

    def info(self, name: str, **values: object) -> None:
        """Change dataset.json."""
        path = self.copy(name) / 'dataset.json'
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    def lines(self, name: str, change: Callable[[list], object], shards: bool = False) -> Path:
        """Change the manifest: ``change`` edits the list or returns another one."""
        path = self.copy(name, shards) / 'manifest.jsonl'
        content = [json.loads(line) for line in path.read_text().splitlines()]
        content = change(content) or content
        path.write_text(''.join(json.dumps(line) + '\n' for line in content))
        return path.parent

    def first(self, name: str, shards: bool = False, **values: object) -> Path:
        """Change the manifest's first line."""
        return self.lines(name, lambda content: content[0].update(values), shards)


def write_hostile_datasets(folders: Path, shards: Path, out: Path) -> list[Path]:
    """Write copies of a valid dataset, in folders and in shards, that lead out of their folder or have another format."""
    copies = Copies(out, folders, shards)
    copies.first('slug_leads_out', slug='../../outside', id='x')
    copies.first('slug_is_absolute', slug=str(out.parent / 'outside'))
    copies.first('slug_of_controls', slug='a\nb')
    copies.first('id_leads_out', id='../../outside/x')
    copies.first('id_is_no_name', id='..')
    copies.first('id_of_another_type', id=3)
    copies.first('class_of_another_type', **{'class': '0'})
    copies.first('class_of_another_folder', **{'class': 1})
    copies.first('class_that_is_none', **{'class': -1})
    copies.first('class_beyond_all', **{'class': 2**31 - 1})
    copies.lines('line_twice', lambda content: [*content[:1], content[0], *content[2:]])
    next((copies.copy('image_lost') / 'images').rglob('*.png')).unlink()
    copies.info('suffix_leads_out', image_suffix='/../../x.png')
    copies.info('suffix_of_another_type', image_suffix=['.png'])
    copies.info('classes_of_another_type', classes='abc')
    copies.info('format_unknown', format='zip')
    copies.first('shard_leads_out', True, shard='../outside.tar')
    copies.first('shard_is_absolute', True, shard='/dev/zero')
    root = copies.lines(
        'shard_member_leads_out', lambda content: [dict(content[0], slug='../../outside', id='x', shard='shards/bad.tar')], True
    )
    with tarfile.open(root / 'shards' / 'bad.tar', 'w') as tar:
        for name in ('../../outside/x.png', '../../outside/x.mask.png'):
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b'x'))
    shard = next((copies.copy('shard_is_a_pipe', True) / 'shards').rglob('*.tar'))
    shard.unlink()
    os.mkfifo(shard)
    for kind in ('images', 'masks'):
        folder = copies.copy(f'{kind}_linked_out') / kind
        shutil.move(folder, out.parent / 'outside' / f'{kind}_of_another')
        folder.symlink_to(out.parent / 'outside' / f'{kind}_of_another')
    for name, text in JSONS.items():
        data = text if isinstance(text, bytes) else text.encode()
        (copies.copy(f'info_{name}') / 'dataset.json').write_bytes(data)
        if name != 'empty':
            (copies.copy(f'line_{name}') / 'manifest.jsonl').write_bytes(data + b'\n')
    return copies.made


def write_hostile_selections(good: Path, out: Path) -> list[Path]:
    """Write copies of a valid dataset whose selection "s" leads out of its folder, never ends, or has another format.

    Args:
        good: A dataset with a selection "s".
        out: Folder of the copies.
    """
    path = good / 'selections' / 's.txt'
    head, samples = path.read_text().split('\n', 1)
    header = {key: value for key, value in json.loads(head[2:]).items() if key != 'blake2b'}
    made = []

    def copy(name: str, data: bytes | None) -> Path:
        made.append(Path(shutil.copytree(good, out / name)))
        file = made[-1] / 'selections' / 's.txt'
        file.unlink()
        if data is not None:
            file.write_bytes(data)
        return file

    def sealed_again(name: str, lines: str, /, **values: object) -> None:
        content = sealed({**header, 'samples': checksum(lines.encode()), **values})
        copy(name, f'# {json.dumps(content)}\n{lines}'.encode())

    sealed_again('leads_out', '../../outside/00000000\n')
    sealed_again('absolute', '/etc/hostname\n')
    sealed_again('unknown', samples + 'disc/99999999\n')
    sealed_again('twice', samples + samples)
    sealed_again('controls', 'disc/\0\n')
    sealed_again('long', 'disc/' + '9' * 10**6 + '\n')
    sealed_again('nothing', '')
    sealed_again('other_name', samples, name='t')
    sealed_again('name_leads_out', samples, name='../s')
    sealed_again('other_dataset', samples, dataset='0' * 32)
    sealed_again('other_counts', samples, counts=dict.fromkeys(header['counts'], 1000))
    sealed_again('counts_of_another_type', samples, counts=[1])
    copy('cut_off', path.read_bytes()[:-5])
    copy('head_cut_off', path.read_bytes()[:100])
    copy('no_header', samples.encode())
    copy('bytes', b'# \xff\xfe\n\xff')
    for name, text in JSONS.items():
        copy(f'header_{name}', b'# ' + (text if isinstance(text, bytes) else text.encode()) + b'\n' + samples.encode())
    os.mkfifo(copy('pipe', None))
    copy('device', None).symlink_to('/dev/zero')
    copy('loop', None).symlink_to('s.txt')
    linked = copy('linked_out', path.read_bytes()).parent
    shutil.move(linked, out.parent / 'outside' / 'selections_of_another')
    linked.symlink_to(out.parent / 'outside' / 'selections_of_another')
    return made


def write_hostile_configs(folder: Path, marker: Path) -> list[Path]:
    """Write YAML and JSON configs with tags that run code, and files that are not configs.

    Python configs are not included, because they are programs.
    """
    folder.mkdir(parents=True)
    touch = f'touch {marker}'
    (folder / 'apply.yaml').write_text(f'model: !!python/object/apply:os.system ["{touch}"]\n')
    (folder / 'new.yml').write_text(f'model: !!python/object/new:subprocess.Popen [["touch", "{marker}"]]\n')
    (folder / 'name.yaml').write_text('model: !!python/name:os.system\n')
    doubled = (f'{b}: &{b} [*{a}, *{a}]\n' for a, b in zip('abcdefghijkl', 'bcdefghijklm', strict=True))
    (folder / 'bomb.yaml').write_text('a: &a [1, 1]\n' + ''.join(doubled))
    (folder / 'cut_off.json').write_text('{"model": {"type": ')
    (folder / 'list.json').write_text('[1, 2]')
    (folder / 'deep.json').write_text('[' * 50_000 + ']' * 50_000)
    (folder / 'empty.py').touch()
    (folder / 'binary.py').write_bytes(bytes(range(256)))
    (folder / 'syntax.py').write_text('model = dict(\n')
    (folder / 'loop.py').write_text("_base_ = ['loop.py']\n")
    (folder / 'without_base.py').write_text("_base_ = ['../nowhere.py']\n")
    (folder / 'folder.py').mkdir()
    return sorted(folder.iterdir())


def write_hostile_latents(folder: Path, marker: Path) -> list[Path]:
    """Write malicious or damaged .npy files."""
    folder.mkdir(parents=True)
    np.save(folder / 'code.npy', np.array([Named(os.system, f'touch {marker}')], dtype=object), allow_pickle=True)
    np.save(folder / 'text.npy', np.array(['a']))
    np.save(folder / 'nothing.npy', np.zeros((1, 0)))
    np.save(folder / 'other_size.npy', np.zeros((1, 7)))
    np.save(folder / 'nan.npy', np.full((1, 12), np.nan))
    np.save(folder / 'good.npy', np.zeros((1, 12)))
    data = (folder / 'good.npy').read_bytes()
    (folder / 'good.npy').unlink()
    (folder / 'cut_off.npy').write_bytes(data[:-10])
    (folder / 'claims.npy').write_bytes(data.replace(b'(1, 12), }' + b' ' * 10, b'(1, 999999999999), }'))
    (folder / 'pickle.npy').write_bytes(pickle.dumps(Named(os.system, f'touch {marker}')))
    os.mkfifo(folder / 'pipe.npy')
    (folder / 'device.npy').symlink_to('/dev/zero')
    return sorted(folder.iterdir())


def write_hostile_annotations(folder: Path, good: Path) -> list[Path]:
    """Write malicious or damaged exports of annotation tools for the images of a valid folder."""
    folder.mkdir(parents=True)
    image = sorted((good / 'images').rglob('*.png'))[0]
    for name, members in dict(
        slip={'../../outside/x.png': b'x', 'labelmap.txt': b'# label:color_rgb:parts:actions\nforeground:255,0,0::\n'},
        absolute={'/tmp/x.png': b'x'},
        bomb={f'SegmentationClass/{image.name}': bytes(2**31 // 4), 'labelmap.txt': bytes(2**28)},
        no_export={'x': b'x'},
    ).items():
        with zipfile.ZipFile(folder / f'{name}.zip', 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for member, data in members.items():
                archive.writestr(member, data)
    (folder / 'cut_off.zip').write_bytes((folder / 'slip.zip').read_bytes()[:60])
    (folder / 'device.zip').symlink_to('/dev/zero')
    os.mkfifo(folder / 'pipe.zip')
    picture = dict(id=1, file_name=image.name, height=20, width=26)
    for name, segmentation in dict(
        polygon_of_many=[[1e9] * 6],
        polygon_of_nan=[[float('nan')] * 6],
        polygon_of_text=[['a'] * 6],
        run_lengths_short=dict(size=[20, 26], counts=[1]),
        run_lengths_negative=dict(size=[20, 26], counts=[600, -80]),
        run_lengths_huge=dict(size=[2**20, 2**20], counts=[2**40]),
        run_lengths_damaged=dict(size=[20, 26], counts='\x7f' * 50),
    ).items():
        annotation = dict(id=1, image_id=1, category_id=1, iscrowd=0, segmentation=segmentation, bbox=[0, 0, 1, 1], area=1)
        content = dict(images=[picture], annotations=[annotation], categories=[dict(id=1, name='foreground')])
        (folder / f'coco_{name}.json').write_text(json.dumps(content))
    content = dict(images=[dict(picture, file_name='../../outside/x.png')], annotations=[], categories=[])
    (folder / 'coco_leads_out.json').write_text(json.dumps(content))
    for name, values in dict(
        huge=dict(imageHeight=10**9, imageWidth=10**9),
        of_text=dict(imageHeight='20', imageWidth='26'),
        leads_out=dict(imagePath='/etc/hostname'),
    ).items():
        shape = dict(label='foreground', shape_type='polygon', points=[[0, 0], [10, 0], [10, 10]])
        root = folder / f'labelme_{name}'
        root.mkdir()
        content = dict(version='5.0.0', flags={}, imagePath=image.name, imageData=None, imageHeight=20, imageWidth=26, shapes=[shape])
        (root / f'{image.stem}.json').write_text(json.dumps(content | values))
    return sorted(folder.iterdir())


def write_hostile_idx(folder: Path) -> list[Path]:
    """Write malicious or damaged files in place of those of Fashion-MNIST."""
    folder.mkdir(parents=True)
    contents = dict(bomb=bytes(2**29), huge=b'\0\0\x08\x03' + b'\xff' * 12, text=b'hello', empty=b'', short=b'\0\0\x08\x03\0')
    for name, content in contents.items():
        (folder / f'{name}.gz').write_bytes(gzip.compress(content, 1))
    (folder / 'no_gzip.gz').write_bytes(b'hello')
    os.mkfifo(folder / 'pipe.gz')
    (folder / 'device.gz').symlink_to('/dev/zero')
    return sorted(folder.iterdir())
