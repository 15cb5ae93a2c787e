"""The embedded default: every file has a correct card, and results that are cheap to compute are computed again."""

import hashlib
import json

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline, DiTPipeline
from PIL import Image

from mmbdg import LabelledGenerator
from mmbdg.addressed import generator_at, torch_generator_at
from mmbdg.analysis.distances.distribution_distances import kernel_distance
from mmbdg.annotation import read_annotated_latents
from mmbdg.annotation.foreground import fashion_foreground
from mmbdg.assets import ROOT
from mmbdg.classifiers import build_classifier
from mmbdg.compat.config import read_config
from mmbdg.datasets.fashion_files import CLASSES, find_full, load_fashion, write_subset
from mmbdg.errors import InputError
from mmbdg.generators import fold_spectral_norm, largest_singular_values, to_pixels
from mmbdg.generators.diffusers_parts import latents_of
from mmbdg.models.diffusers_parts import read_autoencoder
from mmbdg.registry import MODELS
from mmbdg.sources import DiffusionSource, generator_inputs, latent

FOLDER = ROOT / 'fashion32'
CARDS = json.loads((FOLDER / 'cards.json').read_text())


def fingerprint(path) -> str:
    """sha256 of a file, or of a folder's file names and checksums."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    lines = [f'{p.relative_to(path).as_posix()} {fingerprint(p)}' for p in sorted(path.rglob('*')) if p.is_file()]
    return hashlib.sha256('\n'.join(lines).encode()).hexdigest()


def test_size():
    assert sum(p.stat().st_size for p in ROOT.rglob('*') if p.is_file()) < 27e6


def test_every_file_has_a_card():
    assert {p.name for p in FOLDER.iterdir()} - {'cards.json'} == set(CARDS)


@pytest.mark.parametrize('name', CARDS)
def test_card(name):
    card = CARDS[name]
    assert {'what', 'command', 'data', 'seed', 'versions', 'sha256', 'quality', 'licence'} <= set(card)
    assert card['sha256'] == fingerprint(FOLDER / name)


def test_images_are_the_official_ones(tmp_path):
    try:
        find_full()
    except InputError as error:
        pytest.skip(f'{error}')  # the full set is not in the package
    write_subset(tmp_path / 'images.npz', None, dict(train=1000, test=100))
    with np.load(tmp_path / 'images.npz', allow_pickle=False) as fresh, np.load(FOLDER / 'images.npz', allow_pickle=False) as shipped:
        assert all(np.array_equal(fresh[key], shipped[key]) for key in shipped)


@pytest.fixture(scope='module')
def generator():
    card = json.loads((FOLDER / 'labelled_generator.json').read_text())
    net = MODELS.build(dict(card['generator'], init_cfg=dict(type='Pretrained', checkpoint='mmbdg://fashion32/generator.safetensors')))
    net.init_weights()
    return net.eval()


def test_sigma_of_the_shipped_weights(generator):
    assert (largest_singular_values(generator) - 1).abs().max() < 5e-3


def test_annotated_latents(generator):
    """Five annotated latents a class. Latents match their addresses, and masks match the rule on the generated image."""
    generator = fold_spectral_norm(generator)
    pairs = read_annotated_latents(FOLDER / 'annotated_latents', 'biggan32', 10)
    assert [pair.class_id for pair in pairs] == sorted([*range(10)] * 5)
    for pair in pairs:
        z = pair.read_latent(64)
        assert np.array_equal(z, latent(1, pair.class_id, int(pair.stem.split('_')[-1]), 64))
        path = FOLDER / 'annotated_latents' / 'images' / 'biggan32' / pair.mask_path.parent.name / f'{pair.stem}.png'
        shown = np.asarray(Image.open(path))
        assert np.array_equal(pair.read_mask(32) > 0, fashion_foreground(shown))
        with torch.no_grad():
            image = ((generator(torch.from_numpy(z)[None], torch.tensor([pair.class_id]))[0] + 1) * 127.5).permute(1, 2, 0).numpy()
        assert np.abs(image - shown).max() < 1.01


@pytest.fixture(scope='module')
def classifier():
    cfg = read_config('configs/gan/biggan_fashion32.py')
    return build_classifier(cfg.val_evaluator.classifier)


def real_test_images():
    images, labels = load_fashion('test')
    return torch.from_numpy(images)[:, None].expand(-1, 3, -1, -1), labels


def test_classifier_accuracy(classifier):
    images, labels = real_test_images()
    accuracy = (classifier.probabilities(images).argmax(1).numpy() == labels).mean()
    assert accuracy == pytest.approx(CARDS['classifier.safetensors']['quality']['accuracy'], abs=0.002)


def test_kernel_distance_to_the_test_images(classifier):
    """The kernel distance of 1,000 samples without truncation, 100 a class, equals that on the card.

    The test images were not used to choose a checkpoint.
    """
    labelled = LabelledGenerator.load('fashion32')
    labelled.seed, labelled.truncation = 3, None
    fake = torch.cat([classifier.features(labelled.images([c] * 100, range(100))) for c in range(10)])
    real = torch.cat([classifier.features(batch) for batch in real_test_images()[0].split(100)])
    quality = CARDS['generator.safetensors']['quality']
    assert 1000 * kernel_distance(real.numpy(), fake.numpy()) == pytest.approx(quality['KD_resnet_fashion32_test'], abs=0.5)


def test_labels_agree_with_the_rule():
    """On 20 new samples a class, the mIoU between labels and rule is that on the card.

    The tolerance allows for 200 samples instead of 1,000.
    """
    labelled = LabelledGenerator.load('fashion32')
    labelled.seed, labelled.truncation = 2, None
    counts = np.zeros((2, 2))  # rows: intersection, union; columns: background, foreground
    for c in range(10):
        batch = labelled.label([c] * 20, range(20))
        for image, mask in zip(batch.images.permute(0, 2, 3, 1).numpy(), batch.masks.numpy() > 0, strict=True):
            rule = fashion_foreground(image)
            counts += [[(~rule & ~mask).sum(), (rule & mask).sum()], [(~rule | ~mask).sum(), (rule | mask).sum()]]
    miou = 100 * (counts[0] / counts[1]).mean()
    assert miou == pytest.approx(CARDS['interpreter.safetensors']['quality']['mIoU_fgbg'], abs=1.0)


def test_generated_classes_are_recognised(classifier):
    labelled = LabelledGenerator.load('fashion32')
    ids = [c for c in range(10) for _ in range(20)]
    predicted = classifier.probabilities(labelled.images(ids, list(range(20)) * 10)).argmax(1).numpy()
    assert (predicted == ids).mean() > 0.7
    assert labelled.classes == CLASSES


def test_the_diffusion_model(classifier):
    """20 images a class in 10 steps, by diffusers alone: the card's share is recognised, and the prompt decides the class."""
    pipeline = DiffusionPipeline.from_pretrained(FOLDER / 'diffusion', local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    assert {p.dtype for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder) for p in part.parameters()} == {torch.float32}
    ids = np.repeat(np.arange(10), 20)
    noise = torch.from_numpy(np.stack([generator_at('test', c, i).standard_normal((8, 8, 8)) for i, c in enumerate(ids)])).float()
    prompts = [f'a photo of a {CLASSES[c]}' for c in ids]
    images = pipeline(prompts, latents=noise, num_inference_steps=10, guidance_scale=2.0, output_type='pt').images
    images = (images * 255).round().to(torch.uint8)
    assert images.shape == (200, 3, 32, 32) and torch.equal(images[:, 0], images[:, 2])
    recognised = (classifier.probabilities(images).argmax(1).numpy() == ids).mean()
    assert recognised > 0.5 and recognised == pytest.approx(CARDS['diffusion']['quality']['recognised'], abs=0.1)


def test_the_diffusion_transformer(classifier):
    """20 images a class in 10 steps: the card's share is recognised; one image is that of diffusers alone, by the name of its class."""
    source = DiffusionSource('mmbdg://fashion32/transformer', 'fashion32', steps=10, guidance=2.0, seed=5)
    images = torch.cat([source.draw(c, range(20)).images for c in range(10)])
    assert images.shape == (200, 3, 32, 32) and torch.equal(images[:, 0], images[:, 2])
    recognised = (classifier.probabilities(images).argmax(1).numpy() == np.repeat(np.arange(10), 20)).mean()
    assert recognised > 0.5 and recognised == pytest.approx(CARDS['transformer']['quality']['recognised'], abs=0.1)
    pipeline = DiTPipeline.from_pretrained(FOLDER / 'transformer', local_files_only=True, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    assert tuple(sorted(pipeline.labels, key=pipeline.labels.get)) == CLASSES
    call = dict(generator=torch_generator_at(5, 8, 3), num_inference_steps=10, guidance_scale=2.0, output_type='np')
    by_hand = (pipeline(pipeline.get_label_ids(['bag']), **call).images[0] * 255).round().astype(int)
    alone = source.draw(8, [3]).images[0].permute(1, 2, 0).numpy()
    assert np.array_equal(by_hand, alone) and np.abs(alone - images[163].permute(1, 2, 0).numpy().astype(int)).max() <= 1
    counted = sum(p.numel() for p in pipeline.transformer.parameters())
    assert counted == CARDS['transformer']['quality']['parameters']


def test_the_vqgan(classifier):
    """20 images a class: the card's share is recognised. The codes of a real image give it back with the card's error."""
    net = read_config('configs/interpreter/vqgan_fashion32.py').model.generator
    net = MODELS.build(net)
    net.init_weights()
    net.eval()
    quality = CARDS['vqgan.safetensors']['quality']
    ids = [c for c in range(10) for _ in range(20)]
    with torch.no_grad():
        images = to_pixels(net(*generator_inputs(net, 3, ids, list(range(20)) * 10)))
    recognised = (classifier.probabilities(images).argmax(1).numpy() == ids).mean()
    assert recognised == pytest.approx(quality['recognised'], abs=0.1)
    real = real_test_images()[0][::10]
    with torch.no_grad():
        back = to_pixels(net.decode(net.encode(real.float() / 127.5 - 1)))
    psnr = 10 * torch.log10(255**2 / (back.float() - real).square().mean((1, 2, 3))).mean().item()
    assert psnr == pytest.approx(quality['PSNR'], abs=0.5)
    assert sum(p.numel() for p in net.parameters()) == quality['parameters']


def test_the_autoencoder_of_the_diffusion_model():
    autoencoder = read_autoencoder('mmbdg://fashion32/diffusion/vae')
    images = real_test_images()[0][::10].float() / 127.5 - 1
    latents = latents_of(autoencoder, images)
    assert (latents * autoencoder.config.scaling_factor).std().item() == pytest.approx(1, abs=0.05)
    error = (autoencoder.decode(latents).sample.clamp(-1, 1) - images).square().mean() / 4
    assert -10 * error.log10().item() == pytest.approx(CARDS['diffusion']['quality']['PSNR_autoencoder'], abs=0.5)
