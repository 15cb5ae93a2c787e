"""Small real models and a way to run the tools as a user does."""

import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from forked import run_forked, run_group
from tiny_pipelines import write_class_pipeline, write_text_pipeline
from unformatted import leave_unformatted

import mmbdg  # noqa: F401
from mmbdg.files import sha256, write_safetensors
from mmbdg.registry import MODELS
from mmbdg.sources import LabelledGenerator
from mmbdg.sources.judge import write_judge
from mmbdg.synthesis import Synthesis

ROOT = Path(__file__).parents[1]
THREADS = 1 if 'PYTEST_XDIST_WORKER' in os.environ else 2
torch.set_num_threads(THREADS)  # threads of several workers on the same cores wait for each other
leave_unformatted()
gc.disable()  # until the test modules and their packages are imported


TRAINED_ONCE = tuple(f'tests/tools/{name}.py' for name in ('test_resume', 'test_main_job', 'test_own_images'))
"""Files whose fixtures are trainings of minutes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with long fixtures first: pytest-xdist sends long runs of tests at the beginning, so one worker gets a whole file."""
    items.sort(key=lambda item: not item.nodeid.startswith(TRAINED_ONCE))


def pytest_collection_finish() -> None:
    """Leave out what was imported from garbage collections: each would take 0.2 s."""
    gc.freeze()
    gc.enable()


TINY_GENERATOR = dict(
    type='mmbdg.BigGAN',
    resolution=16,
    num_classes=3,
    base_channels=8,
    channel_multipliers=(2, 2, 1),
    latent_dim=12,
    embed_dim=6,
    attention=(8,),
)
TINY_BIGGAN_DEEP = dict(
    type='mmbdg.BigGANDeep',
    resolution=16,
    num_classes=3,
    base_channels=8,
    latent_dim=8,
    blocks=((False, 16, 16), (True, 16, 8), (False, 8, 4), (True, 4, 2), (False, 2, 1)),
    attention_position=3,
)
TINY_VQGAN = dict(
    type='mmbdg.VQGAN',
    resolution=32,
    num_classes=3,
    n_embed=64,
    code_dim=16,
    z_channels=32,
    ch=32,
    ch_mult=(1, 1, 2),
    num_res_blocks=1,
    attn_resolutions=(8,),
    n_layer=4,
    n_head=2,
    n_embd=32,
    tap_every=2,
)
TINY_DCGAN = dict(type='mmbdg.DCGAN', resolution=16, latent_dim=8, base_channels=4)
TINY_INTERPRETER = dict(
    type='mmbdg.InterpreterEnsemble',
    num_members=3,
    member=dict(type='mmbdg.FeatureInterpreter', num_outputs=1, groups=(8, 16), widths=(6, 4)),
)
TINY_CLASSIFIER = dict(
    type='mmpretrain.ImageClassifier',
    _scope_='mmpretrain',
    data_preprocessor=dict(type='ClsDataPreprocessor', num_classes=3, mean=[127.5] * 3, std=[127.5] * 3, to_rgb=False),
    backbone=dict(
        type='ResNet_CIFAR', depth=18, num_stages=2, stem_channels=4, base_channels=4, strides=(1, 2), dilations=(1, 1), out_indices=(1,)
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=3, in_channels=8, loss=dict(type='CrossEntropyLoss')),
)
TINY_CLASSES = ('disc', 'square', 'ring')


def plan_of(labelled_generator: str = '', **keys: object) -> Synthesis:
    """A plan in the short form: ``labelled_generator`` and the keys of the paper's filters."""
    return Synthesis.from_config(dict(keys, **({'labelled_generator': labelled_generator} if labelled_generator else {})))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _no_earlier_runner() -> None:
    """mmengine names the visualiser and the message hub of a Runner after the experiment and the second: a test that begins in the same
    second as another one with the same name would write to the folder of the other."""
    from mmengine.logging import MessageHub  # mmbdg comes before mmengine, see mmbdg.compat.adafactor
    from mmengine.visualization import Visualizer

    for kind in (MessageHub, Visualizer):
        kind._instance_dict.clear()


def with_tables(config: dict = TINY_GENERATOR) -> torch.nn.Module:
    """A BigGAN whose batch statistics differ much from truncation to truncation."""
    generator = build_tiny({**config, 'truncation_rows': 50})
    for norm in generator.modules():
        if hasattr(norm, 'truncation_means'):
            norm.truncation_means.copy_(torch.linspace(-1, 1, 50)[:, None])
    return generator


def build_tiny(config: dict) -> torch.nn.Module:
    """A generator with random weights whose batch-norm statistics fit them."""
    model = MODELS.build(config)
    model.init_weights()
    if getattr(model, 'latent_distribution', '') == 'normal':
        model.train()
        for _ in range(20):
            model(torch.randn(16, model.latent_dim), torch.randint(0, model.num_classes, (16,)))
    return model.eval()


@pytest.fixture(scope='session')
def tiny_labelled_generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that LabelledGenerator.load reads."""
    torch.manual_seed(0)
    generator = build_tiny(TINY_GENERATOR)
    interpreter = MODELS.build({**generator.interpreter_sizes(), **TINY_INTERPRETER})
    folder = tmp_path_factory.mktemp('labelled_generator')
    LabelledGenerator.write(
        folder,
        (TINY_GENERATOR, generator.state_dict()),
        (TINY_INTERPRETER, interpreter.state_dict()),
        classes=TINY_CLASSES,
        folders=TINY_CLASSES,
        truncation=0.9,
    )
    return folder


@pytest.fixture(scope='session')
def tiny_text_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a text-to-image pipeline of diffusers."""
    return write_text_pipeline(tmp_path_factory.mktemp('text_pipeline'))


@pytest.fixture(scope='session')
def tiny_joint_pipeline(tmp_path_factory: pytest.TempPathFactory, tiny_text_pipeline: Path) -> Path:
    """Folder of a diffusion model of images and masks."""
    from tiny_diffusion import tiny_joint_diffusion  # imports OpenMMLab's packages

    folder = tmp_path_factory.mktemp('joint_pipeline') / 'model'
    tiny_joint_diffusion(tiny_text_pipeline).save_pretrained(folder)
    return folder


@pytest.fixture(scope='session')
def tiny_class_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a class-conditional pipeline of diffusers."""
    return write_class_pipeline(tmp_path_factory.mktemp('class_pipeline'))


@pytest.fixture(scope='session')
def tiny_classifier(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Config of a classifier with a checkpoint."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp('classifier') / 'classifier.safetensors'
    write_safetensors(path, MODELS.build(TINY_CLASSIFIER).state_dict())
    return dict(TINY_CLASSIFIER, init_cfg=dict(type='Pretrained', checkpoint=str(path)))


@pytest.fixture(scope='session')
def tiny_judge(tmp_path_factory: pytest.TempPathFactory, tiny_labelled_generator: Path, tiny_classifier: dict) -> Path:
    """Folder of a judge of early rejection with random weights, for the tiny labelled generator and the tiny classifier."""
    torch.manual_seed(2)
    config = dict(type='mmbdg.CoarseJudge', block='blocks.0.0', channels=16, latent_dim=12, num_classes=3, cells=2, width=3, hidden=5)
    folder = tmp_path_factory.mktemp('judge')
    facts = dict(generator=sha256(tiny_labelled_generator / 'generator.safetensors'))
    facts |= dict(classifier=sha256(tiny_classifier['init_cfg']['checkpoint']), truncation=0.9)
    write_judge(folder / 'judge.safetensors', config, MODELS.build(config).state_dict(), **facts)
    return folder


def run_tool(*command: str | Path, cwd: Path | None = None, check: bool = True, **environment: str) -> subprocess.CompletedProcess:
    """Run a tool of this repository with this interpreter; fails with its whole output.

    A script starts in a forked process; a module (``-m``), or what gets a PYTHONPATH of its own, in a new interpreter.
    """
    arguments, cwd, variables = list(map(str, command)), cwd or ROOT, os.environ | dict(OMP_NUM_THREADS=str(THREADS)) | environment
    if 'PYTHONPATH' in environment or arguments[0].startswith('-'):
        result = subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
    else:
        with tempfile.TemporaryDirectory() as folder:
            result = run_forked(arguments, cwd, dict(variables), Path(folder) / 'log', timeout=600)
    if check:
        assert result.returncode == 0, result.stdout[-6000:]
    return result


def run_processes(number: int, *command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """Run a tool in several processes, as torchrun does, but in forked ones; fails with the whole output, or returns it.

    A folder in PYTHONPATH adds modules; it replaces none that are imported already.
    """
    with tempfile.TemporaryDirectory() as folder:
        return run_group(number, list(map(str, command)), cwd or ROOT, os.environ | environment, Path(folder) / 'log', timeout=600)
