"""Samples of diffusers' pipelines equal those of direct calls of diffusers; error messages."""

import json
import shutil
import sys

import huggingface_hub
import numpy as np
import pytest
import torch
from PIL import Image
from tiny_pipelines import TINY_SIZE

from mmbdg.addressed import torch_generator_at
from mmbdg.errors import InputError
from mmbdg.files import write_png
from mmbdg.registry import SELECTIONS
from mmbdg.sources import DiffusionSource
from mmbdg.sources.area_average import averaged
from mmbdg.sources.build import build_source, source_class
from mmbdg.sources.image_fit import fitted
from mmbdg.storage import StoredDataset
from mmbdg.synthesis import SelectionPlan, Synthesis, select, synthesize
from mmbdg.synthesis.plan_file import read_plan
from mmbdg.synthesis.selections import Choice, Selection

CLASSES = ['bag', 'ankle boot']


@pytest.fixture
def text(tiny_text_pipeline) -> dict:
    return dict(type='mmbdg.DiffusionSource', model=str(tiny_text_pipeline), classes=CLASSES, steps=3)


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    """Folders of images of several shapes: three bags, two ankle boots."""
    root = tmp_path_factory.mktemp('photos')
    for folder, shapes in (('bag', [(16, 16), (16, 24), (40, 20)]), ('ankle-boot', [(16, 16), (20, 33)])):
        for number, shape in enumerate(shapes):
            write_png(root / folder / f'{number}.png', np.random.default_rng(number).integers(0, 256, (*shape, 3), dtype=np.uint8))
    return root


def build(config: dict, seed: int = 0, **keys) -> DiffusionSource:
    return build_source(dict(config, **keys), seed, 'cpu')


def pictures(source: DiffusionSource, class_id: int, indices) -> np.ndarray:
    return source.draw(class_id, list(indices)).images.permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize('scheduler', ['DDIMScheduler', 'EulerAncestralDiscreteScheduler'])
def test_a_prompt_by_hand(text, scheduler):
    """A deterministic and a stochastic scheduler, bit for bit."""
    import diffusers

    pipeline = diffusers.AutoPipelineForText2Image.from_pretrained(text['model'])
    pipeline.scheduler = getattr(diffusers, scheduler).from_config(pipeline.scheduler.config)
    expected = pipeline(
        'a photo of ankle boot',
        negative_prompt='grey',
        num_inference_steps=3,
        guidance_scale=4.0,
        generator=torch_generator_at(7, 1, 12),
    ).images[0]
    source = build(text, 7, scheduler=dict(type=scheduler), guidance=4.0, negative_prompt='grey')
    assert np.array_equal(pictures(source, 1, [12])[0], np.array(expected))
    assert source.draw(1, [12]).records == [dict(prompt='a photo of ankle boot', steps=3, guidance=4.0)]


def test_a_class_by_hand(tiny_class_pipeline):
    import diffusers

    pipeline = diffusers.DiTPipeline.from_pretrained(tiny_class_pipeline)
    expected = pipeline([414], guidance_scale=2.0, num_inference_steps=3, generator=torch_generator_at(0, 0, 5)).images[0]
    config = dict(type='mmbdg.DiffusionSource', model=str(tiny_class_pipeline), classes=CLASSES, steps=3)
    source = build(config, label_ids={'ankle-boot': 999, 'bag': 414})
    assert np.array_equal(pictures(source, 0, [5])[0], np.array(expected))
    assert source.draw(0, [5]).records == [dict(label_id=414, steps=3, guidance=2.0)]
    assert build(config).labels == [0, 1]
    with pytest.raises(InputError, match='DiTPipeline with DDPMScheduler draws random numbers that do not come from the generators'):
        build(config, scheduler=dict(type='DDPMScheduler')).draw(0, [0])


def test_a_perturbation_by_hand(text, photos):
    import diffusers

    pipeline = diffusers.StableDiffusionImg2ImgPipeline.from_pretrained(text['model'])
    width, left = 20 * TINY_SIZE / 16, 4  # 16x24 pixels: the middle of the long side is kept
    assert width > TINY_SIZE
    begun = Image.open(photos / 'bag' / '1.png').crop((left, 0, left + 16, 16))
    expected = pipeline(
        'a photo of bag', begun, strength=0.7, num_inference_steps=3, guidance_scale=2.0, generator=torch_generator_at(0, 0, 1)
    ).images[0]
    source = build(text, init=str(photos), strength=0.7)
    assert np.array_equal(pictures(source, 0, [1])[0], np.array(expected))
    assert source.draw(0, [1]).records == [dict(gamma=0.7, init='bag/1.png', prompt='a photo of bag', steps=3, guidance=2.0)]


@pytest.mark.parametrize('strength', [None, 0.7])
def test_batches_of_one_and_seven(text, photos, strength):
    source = build(text, **({} if strength is None else dict(init=str(photos), strength=strength, repeats=3)))
    seven = pictures(source, 0, range(7)).astype(int)
    single = np.concatenate([pictures(source, 0, [i]) for i in (4, 0, 6)])
    assert np.abs(seven[[4, 0, 6]] - single).max() <= 1
    assert len(np.unique(seven.reshape(7, -1), axis=0)) == 7


def test_strength_0_gives_the_images_themselves(text, photos):
    source = build(text, init=str(photos), strength=0.0)
    drawn = pictures(source, 0, range(3))
    assert np.array_equal(drawn[0], np.array(Image.open(photos / 'bag' / '0.png')))
    assert np.array_equal(drawn[1], np.array(Image.open(photos / 'bag' / '1.png'))[:, 4:20])
    assert source.draw(0, [2]).records == [dict(gamma=0.0, init='bag/2.png')]
    squashed = pictures(build(text, init=str(photos), strength=0.0, squash=True), 0, [1])[0]
    assert np.array_equal(squashed, np.array(Image.open(photos / 'bag' / '1.png').resize((16, 16), Image.Resampling.BICUBIC)))


def test_strength_0_can_keep_the_files(text, photos, tmp_path):
    """Byte for byte, not only pixel for pixel."""
    config = text | dict(init=str(photos), strength=0, store='copy')
    stored = StoredDataset(synthesize(Synthesis.from_config(dict(source=config, num_per_class=2, candidates=2)), tmp_path / 'out', log=str))
    for line in stored.lines:
        same = stored.stored_bytes(line, 'image') == (photos / line['init']).read_bytes()
        assert same == line['unchanged'] == (line['init'] in ('bag/0.png', 'ankle-boot/0.png'))


def test_squares():
    image = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    means = image.reshape(2, 3, 2, 3, 3).mean((1, 3))
    assert np.abs(averaged(image, 2) - means).max() <= 0.5
    wide = np.random.default_rng(1).integers(0, 256, (4, 10, 3), dtype=np.uint8)
    doubled = np.array(Image.fromarray(wide).resize((20, 8), Image.Resampling.BICUBIC))
    assert np.array_equal(fitted(wide, 8), doubled[:, 6:14])
    tall = np.ascontiguousarray(wide.transpose(1, 0, 2))
    assert np.array_equal(fitted(tall, 8), np.array(Image.fromarray(tall).resize((8, 20), Image.Resampling.BICUBIC))[6:14])
    assert np.array_equal(fitted(wide, 8, squash=True), np.array(Image.fromarray(wide).resize((8, 8), Image.Resampling.BICUBIC)))
    assert np.array_equal(fitted(image, 6), image)


def test_resolution_averages(text):
    large, small = (pictures(build(text, resolution=size), 0, [3])[0] for size in (None, 8))
    assert large.shape == (16, 16, 3) and np.abs(small - large.reshape(8, 2, 8, 2, 3).mean((1, 3))).max() <= 0.5
    assert build(text, size=24).catalogue.resolution == 24


def test_prompts_take_turns(text, tmp_path):
    (tmp_path / 'prompts.json').write_text(
        json.dumps(dict(made_by={}, prompts={'bag': ['a bag on a chair', 'a red bag', 'a bag'], 'ankle-boot': ['an ankle boot']}))
    )
    source = build(text, prompts=str(tmp_path / 'prompts.json'))
    said = [record['prompt'] for record in source.draw(0, [0, 4, 2, 3]).records]
    assert said == ['a bag on a chair', 'a red bag', 'a bag', 'a bag on a chair']
    assert [record['prompt'] for record in build(text, prompts=['{}', 'one {}']).draw(1, [0, 1]).records] == [
        'ankle boot',
        'one ankle boot',
    ]
    assert not np.array_equal(pictures(source, 0, [0]), pictures(build(text), 0, [0]))


def test_long_prompts_are_named(text, monkeypatch):
    said = []
    monkeypatch.setattr('mmengine.logging.print_log', lambda text, *_, **__: said.append(text))
    build(text, prompts=['a photo of a {}', '{} ' + 'and so on ' * 40])
    (line,) = [line for line in said if 'prompts' in line]
    assert line.startswith('2 of 4 prompts are longer than 77 tokens; the rest is not read: "bag and so on')
    said.clear()
    build(text, prompts=['a photo of a {}'])
    assert not any('prompts' in line for line in said)


def test_images_of_a_dataset(text, tmp_path):
    """The manifest has the names of the images; each image is perturbed ``repeats`` times; a selection restricts the images."""
    plan = Synthesis.from_config(dict(source=text, num_per_class=4, candidates=4))
    root = synthesize(plan, tmp_path / 'first', log=lambda line: None)

    @SELECTIONS.register_module(name='Odd')
    class Odd(Selection):
        def choose(self, samples):
            return Choice(samples.dataset.index.numbers[samples.places] % 2 == 1, {})

        def identity(self):
            return dict(type='mmbdg.Odd')

    select(root, SelectionPlan('odd', [dict(type='mmbdg.Odd')]), log=lambda line: None)
    del SELECTIONS.module_dict['Odd']
    further = text | dict(init=str(root), strength=0.5)
    source = build(further, repeats=2, steps=4)
    assert (source.available(0), source.available(1)) == (8, 8)
    records = source.draw(1, [1, 5]).records
    assert [record['init'] for record in records] == ['ankle-boot/00000001'] * 2
    one, other = pictures(source, 1, [1, 5])
    assert not np.array_equal(one, other)
    untouched = pictures(build(further, strength=0.0), 1, range(4))
    stored = StoredDataset(root)
    assert np.array_equal(untouched, [stored.image(line) for line in stored.lines if line['class'] == 1])
    part = build(further, selection='odd')
    assert part.available(1) == 2 and part.draw(1, [1]).records[0]['init'] == 'ankle-boot/00000003'
    assert part.identity() != build(further).identity()
    with pytest.raises(InputError, match='samples 0 to 7, there is no sample 8'):
        source.draw(0, [8])


def test_identity(text, photos, tmp_path):
    """The identity changes with a weight, the prompts, the sense of a class and the images, not with the path of the folder."""
    source = build(text)
    shutil.copytree(text['model'], tmp_path / 'copy')
    moved = build(text, model=str(tmp_path / 'copy'))
    assert source.identity() == moved.identity() and str(tmp_path) not in json.dumps(moved.identity())
    assert {'diffusers', 'transformers'} == set(source.identity()['versions'])
    weights = tmp_path / 'copy' / 'unet' / 'diffusion_pytorch_model.safetensors'
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    assert source.identity() != build(text, model=str(tmp_path / 'copy')).identity()
    assert source.identity() != build(text, prompts=['the {}']).identity()
    assert source.identity() != build(text, scheduler=dict(type='DDIMScheduler', timestep_spacing='trailing')).identity()
    shutil.copytree(photos, tmp_path / 'photos')
    first = build(text, init=str(tmp_path / 'photos'), strength=0.5).identity()
    (tmp_path / 'photos' / 'bag' / '2.png').unlink()
    assert first != build(text, init=str(tmp_path / 'photos'), strength=0.5).identity()


def test_a_plan_is_kept_with_its_paths(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(text['model'], tmp_path / 'model')
    plan = Synthesis.from_config(dict(source=text | dict(model='model', classes='fashion32'), num_per_class=1, classes=[1]))
    (tmp_path / 'fashion32').mkdir()
    root = synthesize(plan.changed(candidates=1), tmp_path / 'out', log=lambda line: None)
    read = read_plan(root)
    assert read.source['model'] == str(tmp_path / 'model') and read.source['classes'] == 'fashion32'
    content = json.loads((root / 'logs/plan.json').read_text())
    content['source']['model'] = 'hf://org/name'
    (root / 'logs/plan.json').write_text(json.dumps(content))
    with pytest.raises(InputError, match='names the repository hf://org/name; data files must not start downloads'):
        read_plan(root)


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        (dict(strength=0.5), 'has strength but no init'),
        (dict(init='photos'), 'has init but no strength'),
        (dict(init='photos', strength=1.5), r'strength must lie in 0..1, got 1.5'),
        (dict(init='photos', strength=0.3), 'strength 0.3 of 3 steps is less than one step.*raise steps to 4 or more'),
        (dict(init='photos', strength=0.01), 'raise steps to 100 or more'),
        (dict(squash=True), 'squash belongs to a perturbation'),
        (dict(repeats=2), 'repeats belongs to a perturbation'),
        (dict(selection='a'), 'selection belongs to a perturbation'),
        (dict(steps=0), 'steps must be at least 1, got 0'),
        (dict(guidance=-1.0), 'guidance must be a finite number'),
        (dict(precision='half'), 'precision must be one of float32, bfloat16, float16'),
        (dict(scheduler=dict(eta=1)), 'scheduler must be a dict with a type'),
        (dict(prompts='a photo of {}'), r'a list of templates; write \["a photo of {}"\]'),
        (dict(steps='3'), 'steps: Input should be a valid integer'),
        (dict(promts=['{}']), r'takes no "promts"; did you mean "prompts"\?'),
    ],
)
def test_values_refused_before_anything_is_read(keys, message):
    with pytest.raises(InputError, match=message):
        source_class(dict(type='mmbdg.DiffusionSource', model='nothing', classes=CLASSES, steps=3) | keys)


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        (dict(classes=[]), 'the list of classes is empty'),
        (dict(prompts=[]), 'there are no templates'),
        (dict(prompts=['a photo']), 'exactly one {} for the class'),
        (dict(prompts='nothing.json'), 'there is no file nothing.json'),
        (dict(label_ids=[0, 1]), 'label_ids belongs to class-conditional models'),
        (dict(size=15), 'size must be a multiple of 2'),
        (dict(size=18), 'refuses these values: `height` and `width` have to be divisible by 8'),
        (dict(resolution=32), 'resolution is 32, but the model samples 16 px'),
        (dict(scheduler=dict(type='DDIMSheduler')), r'diffusers has no scheduler "DDIMSheduler"; did you mean "DDIMScheduler"\?'),
        (dict(scheduler=dict(type='SchedulerMixin')), 'diffusers has no scheduler "SchedulerMixin"'),
        (dict(scheduler=dict(type='DDIMScheduler', clip=True)), r'DDIMScheduler takes no "clip"'),
        (dict(scheduler=dict(type='FlowMatchEulerDiscreteScheduler')), 'does not fit the DDIMScheduler of the model'),
        (dict(safety_checker=True), 'names no safety checker: set safety_checker=False'),
        (dict(init='nothing', strength=1.0), 'there is no folder nothing'),
    ],
)
def test_values_that_do_not_fit(text, keys, message):
    with pytest.raises(InputError, match=message):
        build(text, **keys).draw(0, [0])


def test_labels_that_do_not_fit(tiny_class_pipeline):
    config = dict(type='mmbdg.DiffusionSource', model=str(tiny_class_pipeline), classes=CLASSES, steps=3)
    for keys, message in (
        (dict(label_ids={'bag': 1}), 'has no label of the class "ankle-boot"'),
        (dict(label_ids={'bag': 1, 'ankle-boots': 2}), r'there is no class "ankle-boots"; did you mean "ankle-boot"\?'),
        (dict(label_ids=[1]), '1 labels for 2 classes'),
        (dict(label_ids=[1, 1000]), '1000 labels, 0 to 999, got 1000'),
        (dict(prompts=['a {}']), 'prompts is for text-to-image models'),
        (dict(size=16), 'samples images of 8 px only, got 16'),
    ):
        with pytest.raises(InputError, match=message):
            build(config, **keys)


def test_bad_prompt_files(text, tmp_path):
    path = tmp_path / 'prompts.json'
    for content, message in (
        ('', 'is empty, not JSON'),
        (json.dumps(dict(made_by={}, prompts={})), 'has no prompt of the class "bag"'),
        (json.dumps(dict(made_by={}, prompts={'bag': ['a bag'], 'ankle-boot': ['a boot']})), 'does not contain "ankle boot": "a boot"'),
        (json.dumps(dict(made_by={}, prompts={'bags': ['a bag']})), 'has prompts of the class "bags"'),
    ):
        path.write_text(content)
        with pytest.raises(InputError, match=message):
            build(text, prompts=str(path))


def test_a_class_without_images(text, photos, tmp_path):
    shutil.copytree(photos / 'bag', tmp_path / 'bag')
    config = text | dict(init=str(tmp_path), strength=0.5)
    with pytest.raises(InputError, match='has no images of the class "ankle-boot"'):
        build(config)
    (tmp_path / 'ankle boot').mkdir()  # the class's name, not its id
    with pytest.raises(InputError, match='has no image of the class "ankle-boot"'):
        build(config)
    shutil.copy(photos / 'bag' / '0.png', tmp_path / 'ankle boot')
    assert build(config).available(1) == 1
    with pytest.raises(InputError, match='only a dataset has selections'):
        build(config, selection='best')


def pickled(model):
    weights = model / 'unet' / 'diffusion_pytorch_model.safetensors'
    weights.rename(weights.with_suffix('.bin'))


@pytest.mark.parametrize(
    ('keys', 'damage', 'message'),
    [
        (dict(classes=['hat']), None, "there is no class 'hat'"),
        ({}, lambda model: shutil.rmtree(model / 'unet'), 'is incomplete: the component "unet"'),
        ({}, pickled, 'diffusion_pytorch_model.bin is a pickle'),
        (dict(prompts={}), None, 'has no prompt of the class "bag"'),
        (dict(prompts={'bag': ['a thing'], 'ankle-boot': ['an ankle boot']}), None, 'does not contain "bag": "a thing"'),
        (dict(model='hf://org/offline'), None, 'org/offline .*cannot be read from the Hugging Face hub: ConnectionError'),
    ],
    ids=['class', 'incomplete model', 'pickle', 'no prompts', 'prompt without its class', 'no network'],
)
def test_nothing_is_left_of_what_is_refused(text, keys, damage, message, tmp_path, monkeypatch):
    def offline(*args, **keys):
        raise ConnectionError('no network')

    monkeypatch.setattr(huggingface_hub, 'snapshot_download', offline)
    source, plan = dict(text), {key: value for key, value in keys.items() if key == 'classes'}
    if damage:
        source['model'] = str(shutil.copytree(text['model'], tmp_path / 'model'))
        damage(tmp_path / 'model')
    if 'prompts' in keys:
        source['prompts'] = str(tmp_path / 'prompts.json')
        (tmp_path / 'prompts.json').write_text(json.dumps(dict(made_by={}, prompts=keys['prompts'])))
    source |= {key: value for key, value in keys.items() if key == 'model'}
    with pytest.raises(InputError, match=message):
        synthesize(Synthesis.from_config(dict(source=source, **plan)), tmp_path / 'out', log=str)
    assert not (tmp_path / 'out').exists()


def test_without_diffusers(text, monkeypatch):
    monkeypatch.setitem(sys.modules, 'diffusers', None)
    with pytest.raises(InputError, match=r'needs diffusers and transformers, .*pip install "mmbdg\[diffusion\]"'):
        build(text)


def test_half_precision_by_hand(text):
    import diffusers

    pipeline = diffusers.AutoPipelineForText2Image.from_pretrained(text['model'], dtype=torch.bfloat16)
    pipeline.enable_attention_slicing()
    expected = pipeline('a photo of bag', num_inference_steps=3, guidance_scale=2.0, generator=torch_generator_at(0, 0, 0)).images[0]
    source = build(text, precision='bfloat16', attention_slicing=True)
    assert source.pipeline.unet.dtype == torch.bfloat16
    assert np.array_equal(pictures(source, 0, [0])[0], np.array(expected))
