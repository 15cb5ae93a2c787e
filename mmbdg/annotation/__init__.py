"""Export of samples to annotators and import of their masks. Needs only torch, numpy and mmengine."""

from mmbdg.annotation.checking import check_annotated_latents
from mmbdg.annotation.importing import import_annotations
from mmbdg.annotation.latent_files import (
    AnnotatedLatent,
    check_free,
    class_folders,
    read_annotated_latents,
    write_samples,
)
from mmbdg.annotation.projects import write_project

__all__ = [
    'AnnotatedLatent',
    'check_annotated_latents',
    'check_free',
    'class_folders',
    'import_annotations',
    'read_annotated_latents',
    'write_project',
    'write_samples',
]
