"""Datasets and transforms for mmengine's Runner. Needs the mm packages."""

from mmbdg.datasets.address import Address, Addressing
from mmbdg.datasets.annotated_images import AnnotatedImages, RuleAnnotatedFashion
from mmbdg.datasets.annotated_latents import AnnotatedLatents, RuleAnnotatedLatents
from mmbdg.datasets.annotated_seg import AnnotatedSegDataset
from mmbdg.datasets.caption_garment import CaptionGarment
from mmbdg.datasets.chest_xray import ChestXRayDataset
from mmbdg.datasets.class_subset import ClassSubset
from mmbdg.datasets.colour_garments import ColourGarments
from mmbdg.datasets.composed_scenes import ComposedScenes
from mmbdg.datasets.corrupt_image import CorruptImage
from mmbdg.datasets.cutout_folder import CutoutFolder
from mmbdg.datasets.drop_small_components import DropSmallComponents
from mmbdg.datasets.encoded_images import EncodedImages
from mmbdg.datasets.fashion_mnist import FashionMNIST32
from mmbdg.datasets.fashion_objects import FashionObjects
from mmbdg.datasets.fashion_scenes import FashionScenes
from mmbdg.datasets.image_folder import ImageFolder
from mmbdg.datasets.joint import JointDataset
from mmbdg.datasets.labelled_folder import LabelledFolder
from mmbdg.datasets.loading import LoadImage, LoadMask
from mmbdg.datasets.mark_synthetic import MarkSynthetic
from mmbdg.datasets.mixed import MixedDataset
from mmbdg.datasets.online import OnlineSyntheticDataset
from mmbdg.datasets.paste_objects import PasteObjects
from mmbdg.datasets.renderings import BlackGround, EdgeDrawing
from mmbdg.datasets.resized_crop_flip import ResizedCropFlip
from mmbdg.datasets.scored_candidates import ScoredCandidates
from mmbdg.datasets.shifted_imagenet import ShiftedImageNet
from mmbdg.datasets.stored_objects import StoredObjects
from mmbdg.datasets.synthetic import SyntheticSegDataset
from mmbdg.datasets.transforms import AugmentLabelled, KeepDifficult

__all__ = [
    'Address',
    'Addressing',
    'AnnotatedImages',
    'AnnotatedLatents',
    'AnnotatedSegDataset',
    'AugmentLabelled',
    'BlackGround',
    'CaptionGarment',
    'ChestXRayDataset',
    'ClassSubset',
    'ColourGarments',
    'ComposedScenes',
    'CorruptImage',
    'CutoutFolder',
    'DropSmallComponents',
    'EdgeDrawing',
    'EncodedImages',
    'FashionMNIST32',
    'FashionObjects',
    'FashionScenes',
    'ImageFolder',
    'JointDataset',
    'KeepDifficult',
    'LabelledFolder',
    'LoadImage',
    'LoadMask',
    'MarkSynthetic',
    'MixedDataset',
    'OnlineSyntheticDataset',
    'PasteObjects',
    'ResizedCropFlip',
    'RuleAnnotatedFashion',
    'RuleAnnotatedLatents',
    'ScoredCandidates',
    'ShiftedImageNet',
    'StoredObjects',
    'SyntheticSegDataset',
]
