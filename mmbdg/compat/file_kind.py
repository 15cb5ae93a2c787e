"""Recognise files of the wrong kind by their first bytes, for error messages."""

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
    """Kind of a file, in words; '' if it is not one of the known wrong kinds.

    Args:
        path: Path of a regular file.
    """
    with open(path, 'rb') as file:
        head = file.read(512)
    if not head:
        return 'empty'
    if head.lstrip().lower().startswith(PAGES):
        return 'a web page; the download needs a login or a confirmation: download the file again in a browser'
    for start, kind in HEADS:
        if head.startswith(start):
            return kind
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if any(name.endswith('constants.pkl') for name in names):
            return 'a TorchScript program, which runs code while it is loaded'
        if not any(name.endswith('data.pkl') for name in names):
            return f'a zip archive of {len(names)} files, not a torch checkpoint: unpack it first'
    return ''
