"""Files that a stranger may have made: they want to run code, to lead out of their folder, or to take all memory."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch


class Named:
    """A call of a function when it is unpickled."""

    def __init__(self, function: Callable, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple:
        return self.call


def write_checkpoint_that_runs_code(path: Path, marker: Path) -> None:
    """A file of torch whose pickle comes from ``getattr`` to ``eval``: ``getattr.__self__`` is the module ``builtins``."""

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
    """Labelled generators, copies of a good one, whose card names what must not be built, or folders that lead out."""
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
