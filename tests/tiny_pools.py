"""The same tiny pool in every layout."""

import csv
import io
import json
from pathlib import Path

import numpy as np

from mmbdg.addressed import generator_at
from mmbdg.files import write_png
from mmbdg.pools import build_index
from mmbdg.storage.shards import write_shard

THINGS, COLOURS = ('boot', 'bag', 'shirt'), ('red', 'green', 'blue', 'dark')
NSFW, LICENCES = ('UNLIKELY', 'UNSURE', 'NSFW', ''), ('CC0', 'cc-by', '')


def rows(number: int = 24) -> list[dict]:
    """Entries: a name without suffix and the columns of img2dataset and LAION."""
    return [
        dict(
            key=f'{i // 10:05d}/{i:09d}',
            caption=f'a {COLOURS[i % 4]} {THINGS[i % 3]} number {i}',
            url=f'https://example.org/{i}.png',
            LICENSE=LICENCES[i % 3],
            NSFW=NSFW[i % 4] if i % 8 else '',
            similarity=round(0.3 + i / 1000, 3),
            status='success',
        )
        for i in range(number)
    ]


def picture(i: int) -> np.ndarray:
    """RGB uint8 (H,W,3); sizes differ."""
    rng = generator_at('tiny pool', i)
    blocks = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)
    return blocks.repeat(9, 0).repeat(8 + i % 3, 1)


def png(i: int) -> bytes:
    """Bytes of the picture's file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture(i)).save(buffer, 'PNG')
    return buffer.getvalue()


def captioned_folder(root: Path, number: int = 24) -> Path:
    """Images and captions.csv."""
    for i, row in enumerate(rows(number)):
        write_png(root / f'{row["key"]}.png', picture(i))
    write_table(root, rows(number))
    return root


def write_table(root: Path, table: list[dict]) -> None:
    """captions.csv of rows."""
    with open(root / 'captions.csv', 'w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(['file', 'caption', 'url', 'licence', 'nsfw', 'similarity', 'width'])
        for row in table:
            writer.writerow([f'{row["key"]}.png', *(row[name] for name in ('caption', 'url', 'LICENSE', 'NSFW', 'similarity')), 36])


def sidecar_files(root: Path, number: int = 24) -> Path:
    """img2dataset's output format "files"."""
    for i, row in enumerate(rows(number)):
        path = root / f'{row["key"]}.png'
        write_png(path, picture(i))
        path.with_suffix('.txt').write_text(row['caption'])
        path.with_suffix('.json').write_text(json.dumps(row))
    (root / '00000_stats.json').write_text('{"count": 24}')
    return root


def caption_shards(root: Path, number: int = 24) -> Path:
    """img2dataset's output format "webdataset"; keys start again in every shard."""
    table = rows(number)
    for shard in sorted({row['key'].split('/')[0] for row in table}):
        files = []
        for i, row in enumerate(table):
            if row['key'].startswith(shard):
                key = f'{i % 10:04d}'
                files += [(f'{key}.png', png(i)), (f'{key}.txt', row['caption'].encode()), (f'{key}.json', json.dumps(row).encode())]
        write_shard(root / f'{shard}.tar', files)
    return root


MAKERS = dict(captioned_folder=captioned_folder, sidecar_files=sidecar_files, caption_shards=caption_shards)


def retrieval_example(root: Path) -> dict:
    """Config of a tiny RetrievalSource that needs no CLIP; its pool and index are made below a folder."""
    pool = captioned_folder(root / 'pool', 30)
    build_index(str(pool), root / 'pool_index', log=lambda line: None)
    return dict(
        type='mmbdg.RetrievalSource', pool=str(pool), index=str(root / 'pool_index'), classes=list(THINGS), mode='match', resolution=24
    )
