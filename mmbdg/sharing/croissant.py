"""``croissant.json``: a description of the layout ``imagefolder`` in the format Croissant 1.0 of MLCommons."""

from pathlib import Path

from mmbdg.files import sha256, write_json
from mmbdg.sharing.front_matter import one_line
from mmbdg.sharing.image_folder import METADATA
from mmbdg.sharing.samples import Shared

CONTEXT = {
    '@language': 'en',
    '@vocab': 'https://schema.org/',
    'citeAs': 'cr:citeAs',
    'column': 'cr:column',
    'conformsTo': 'dct:conformsTo',
    'cr': 'http://mlcommons.org/croissant/',
    'data': {'@id': 'cr:data', '@type': '@json'},
    'dataType': {'@id': 'cr:dataType', '@type': '@vocab'},
    'dct': 'http://purl.org/dc/terms/',
    'equivalentProperty': 'cr:equivalentProperty',
    'examples': {'@id': 'cr:examples', '@type': '@json'},
    'extract': 'cr:extract',
    'field': 'cr:field',
    'fileObject': 'cr:fileObject',
    'fileProperty': 'cr:fileProperty',
    'fileSet': 'cr:fileSet',
    'format': 'cr:format',
    'includes': 'cr:includes',
    'isLiveDataset': 'cr:isLiveDataset',
    'jsonPath': 'cr:jsonPath',
    'key': 'cr:key',
    'md5': 'cr:md5',
    'parentField': 'cr:parentField',
    'path': 'cr:path',
    'rai': 'http://mlcommons.org/croissant/RAI/',
    'recordSet': 'cr:recordSet',
    'references': 'cr:references',
    'regex': 'cr:regex',
    'repeated': 'cr:repeated',
    'replace': 'cr:replace',
    'samplingRate': 'cr:samplingRate',
    'sc': 'https://schema.org/',
    'separator': 'cr:separator',
    'source': 'cr:source',
    'subField': 'cr:subField',
    'transform': 'cr:transform',
}
"""The context that the specification of Croissant 1.0 prescribes."""


def write_croissant(shared: Shared, folder: Path, name: str, licence: str) -> None:
    """Write ``croissant.json`` beside a written ``imagefolder``: its rows, and which columns name image files."""
    pictures = ['file_name', *(['mask_file_name'] if shared.dataset.catalogue.has_masks else [])]
    types = dict.fromkeys(pictures, 'sc:Text') | dict(label='sc:Integer', sample='sc:Text') | {'class': 'sc:Text'}
    types |= dict.fromkeys(shared.scores, 'sc:Float')
    metadata = {
        '@type': 'cr:FileObject',
        '@id': 'metadata',
        'name': 'metadata.jsonl',
        'description': 'One row per sample; the names of files are relative to this file.',
        'contentUrl': METADATA,
        'encodingFormat': 'application/jsonlines',
        'sha256': sha256(folder / METADATA),
    }
    content = {
        '@context': CONTEXT,
        '@type': 'sc:Dataset',
        'name': one_line(name),
        'description': f'{len(shared.dataset.lines)} images of {shared.dataset.catalogue.resolution} px, written by mmbdg.',
        'conformsTo': 'http://mlcommons.org/croissant/1.0',
        **({'license': one_line(licence)} if one_line(licence) else {}),
        'distribution': [metadata],
        'recordSet': [
            {'@type': 'cr:RecordSet', '@id': 'samples', 'name': 'samples', 'field': [_field(name, kind) for name, kind in types.items()]}
        ],
    }
    write_json(folder / 'croissant.json', content, sync=False)


def _field(name: str, kind: str) -> dict:
    source = {'fileObject': {'@id': 'metadata'}, 'extract': {'column': name}}
    return {'@type': 'cr:Field', '@id': f'samples/{name}', 'name': name, 'dataType': kind, 'source': source}
