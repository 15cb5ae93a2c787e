"""What a file is that is not what it should be: the usual mistakes by their first bytes."""

import zipfile
from pathlib import Path

HEADS = (
    (b'version https://git-lfs.github.com/spec/', 'a pointer of Git LFS: the file itself was not fetched (git lfs pull)'),
    (b'<?xml', 'an XML document'),
    (b'%PDF', 'a PDF document'),
    (b'\x1f\x8b', 'a gzip file: unpack it first'),
    (b'BZh', 'a bzip2 file: unpack it first'),
    (b'\xfd7zXZ\x00', 'an xz file: unpack it first'),
    (b'7z\xbc\xaf', 'a 7z archive: unpack it first'),
    (b'Rar!', 'a RAR archive: unpack it first'),
    (b'\x89PNG', 'a PNG image'),
    (b'\xff\xd8\xff', 'a JPEG image'),
    (b'\x93NUMPY', 'an array of numpy (.npy)'),
    (b'\x89HDF', 'an HDF5 file'),
)
PAGES = (b'<!doctype html', b'<html', b'<head')


def file_kind(path: Path) -> str:
    """What a file is, in words; '' if it is of no kind that is known here.

    Args:
        path: Of a regular file.
    """
    with open(path, 'rb') as file:
        head = file.read(512)
    if not head:
        return 'empty'
    if head.lstrip().lower().startswith(PAGES):
        return 'a web page, as a download leaves behind that needs a login or a confirmation: download it again in a browser'
    for start, kind in HEADS:
        if head.startswith(start):
            return kind
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if any(name.endswith('constants.pkl') for name in names):
            return 'a program of TorchScript; it would run while it is loaded'
        if not any(name.endswith('data.pkl') for name in names):
            return f'a zip archive of {len(names)} files, no checkpoint of torch: unpack it first'
    return ''
