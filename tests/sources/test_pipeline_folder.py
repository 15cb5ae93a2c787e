"""Files that are loaded from a folder of a diffusers pipeline, and errors of unsuitable folders."""

import json
import shutil
from pathlib import Path

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file

from mmbdg.errors import InputError
from mmbdg.sources.build import build_source
from mmbdg.sources.hub import downloaded
from mmbdg.sources.pipeline_folder import read_pipeline_folder
from mmbdg.sources.pipelines import HUB_FILES, find_pipeline, load_pipeline


@pytest.fixture
def folder(tiny_text_pipeline, tmp_path) -> Path:
    return shutil.copytree(tiny_text_pipeline, tmp_path / 'model')


def change_index(folder: Path, **entries) -> None:
    path = folder / 'model_index.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def test_files_that_are_loaded(tiny_text_pipeline):
    found = read_pipeline_folder(tiny_text_pipeline)
    assert set(found.components) == {'scheduler', 'text_encoder', 'tokenizer', 'unet', 'vae'}
    assert set(found.files) == {str(path.relative_to(tiny_text_pipeline)) for path in tiny_text_pipeline.rglob('*') if path.is_file()}
    assert {name: [file.name for file in files] for name, files in found.weights.items()} == dict(
        text_encoder=['model.safetensors'], unet=['diffusion_pytorch_model.safetensors'], vae=['diffusion_pytorch_model.safetensors']
    )


@pytest.mark.parametrize(
    ('entries', 'message'),
    [
        (dict(_class_name='os'), "names the pipeline 'os', which is not a pipeline of diffusers"),
        (dict(_class_name=['my_pipeline', 'MyPipeline']), 'which is not a pipeline of diffusers .*code of other origin is not run'),
        (dict(_class_name='AutoencoderKL'), "names the pipeline 'AutoencoderKL'"),
        (dict(unet=['my_unet', 'MyUNet']), '"unet" is the class "MyUNet" of "my_unet"; only models, schedulers'),
        (dict(unet=['os', 'system']), '"unet" is the class "system" of "os"'),
        (dict(unet=['diffusers', 'DiffusionPipeline']), '"unet" is the class "DiffusionPipeline"'),
        (dict(unet=['diffusers', 'utils']), '"unet" is the class "utils"'),
        (dict(unet=['transformers', 'AutoModel']), '"unet" is the class "AutoModel"'),
        (dict(unet=['diffusers', 'UNet2DConditionModel', 'more']), r'must be \[library, class\]'),
        ({'../unet': ['diffusers', 'UNet2DConditionModel']}, "names the component '../unet'"),
        (dict(safety_checker=['os', 'system']), '"safety_checker" is the class "system"'),
        (dict(image_encoder=['transformers', 'CLIPVisionModelWithProjection']), 'the component "image_encoder" .* is missing'),
    ],
)
def test_what_an_index_may_name(folder, entries, message):
    (folder / 'unet' / 'my_unet.py').write_text('raise SystemExit')
    change_index(folder, **entries)
    with pytest.raises(InputError, match=message):
        read_pipeline_folder(folder)


@pytest.mark.parametrize(
    'entry',
    [
        dict(auto_map=dict(AutoModel='model.MyModel')),
        dict(quantization_config=dict(quant_method='mine')),
        dict(text_config=dict(_attn_implementation='org/kernel')),
    ],
    ids=str,
)
@pytest.mark.parametrize('component', ['unet', 'text_encoder'])
def test_what_the_config_of_a_model_may_name(folder, component, entry):
    path = folder / component / 'config.json'
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | dict(_attn_implementation='sdpa')))
    assert f'{component}/config.json' in read_pipeline_folder(folder).files
    path.write_text(json.dumps(content | entry))
    with pytest.raises(InputError, match='config.json has the key "(auto_map|quantization_config|_attn_implementation)"'):
        read_pipeline_folder(folder)
    path.write_text(json.dumps(content))
    (folder / 'unet' / 'adapter_config.json').write_text('{}')
    with pytest.raises(InputError, match='holds an adapter'):
        read_pipeline_folder(folder)


@pytest.mark.parametrize(
    ('lost', 'message'),
    [
        ('model_index.json', 'has no model_index.json'),
        ('unet', r'is incomplete: the component "unet" \(UNet2DConditionModel\) of model_index.json is missing'),
        ('unet/config.json', 'unet is incomplete: the component "unet" needs config.json'),
        (
            'unet/diffusion_pytorch_model.safetensors',
            'the weights of the component "unet", diffusion_pytorch_model.safetensors, are missing',
        ),
        ('text_encoder/model.safetensors', 'the weights of the component "text_encoder", model.safetensors, are missing'),
        ('tokenizer/tokenizer.json', 'tokenizer is incomplete: the component "tokenizer" needs vocab.json'),
        ('scheduler/scheduler_config.json', 'scheduler is incomplete: the component "scheduler" needs scheduler_config.json'),
    ],
)
def test_an_incomplete_folder(folder, lost, message):
    path = folder / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(InputError, match=message):
        read_pipeline_folder(folder)


def test_pickled_weights(folder):
    weights = folder / 'vae' / 'diffusion_pytorch_model.safetensors'
    torch.save(load_file(weights), weights.with_suffix('.bin'))
    weights.unlink()
    with pytest.raises(InputError, match='diffusion_pytorch_model.bin is a pickle, .* safe_serialization=True'):
        read_pipeline_folder(folder)
    with pytest.raises(InputError, match='there is no folder'):
        read_pipeline_folder(folder / 'nothing')


def test_weights_that_do_not_fit(folder):
    """Errors of a missing tensor, which diffusers would fill with random numbers, and of a truncated file."""
    weights = folder / 'unet' / 'diffusion_pytorch_model.safetensors'
    tensors = load_file(weights)
    save_file({name: tensor for name, tensor in tensors.items() if name != 'conv_out.weight'}, weights, {'format': 'pt'})
    with pytest.raises(InputError, match='unet is incomplete: the model has .* numbers, its weights hold|conv_out.weight'):
        load_pipeline(read_pipeline_folder(folder))
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(InputError, match='cannot be loaded'):
        load_pipeline(read_pipeline_folder(folder))


def test_shards_of_weights(folder):
    weights = folder / 'unet' / 'diffusion_pytorch_model.safetensors'
    tensors = load_file(weights)
    weights.unlink()
    names, files = sorted(tensors), [f'diffusion_pytorch_model-0000{i}-of-00002.safetensors' for i in (1, 2)]
    for file, part in zip(files, (names[::2], names[1::2]), strict=True):
        save_file({name: tensors[name] for name in part}, weights.with_name(file), {'format': 'pt'})
    index = weights.with_name('diffusion_pytorch_model.safetensors.index.json')
    mapped = {name: files[number % 2] for number, name in enumerate(names)}
    index.write_text(json.dumps(dict(metadata=dict(total_size=1), weight_map=mapped)))
    loaded = load_pipeline(read_pipeline_folder(folder)).unet.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())
    index.write_text(json.dumps(dict(weight_map=mapped | {names[0]: '../../elsewhere.safetensors'})))
    with pytest.raises(InputError, match="names the file '../../elsewhere.safetensors'"):
        read_pipeline_folder(folder)
    weights.with_name(files[0]).unlink()
    index.write_text(json.dumps(dict(weight_map=mapped)))
    with pytest.raises(InputError, match=f'the component "unet" needs {files[0]}'):
        read_pipeline_folder(folder)


def test_a_pipeline_of_another_task(folder):
    change_index(folder, _class_name='StableDiffusionLatentUpscalePipeline')
    with pytest.raises(InputError, match='cannot be loaded as a pipeline that makes images from texts or classes'):
        load_pipeline(read_pipeline_folder(folder))


def test_the_safety_checker(folder):
    """The safety checker is loaded on request only; the records mark its black images."""
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    tower = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4)
    checker = StableDiffusionSafetyChecker(CLIPConfig(projection_dim=4, vision_config=tower, text_config=dict(vocab_size=8)))
    checker.concept_embeds_weights.data.fill_(-2)  # below any cosine: every image is flagged
    checker.save_pretrained(folder / 'safety_checker')
    CLIPImageProcessor(size=dict(shortest_edge=8), crop_size=8).save_pretrained(folder / 'feature_extractor')
    change_index(
        folder,
        safety_checker=['stable_diffusion', 'StableDiffusionSafetyChecker'],
        feature_extractor=['transformers', 'CLIPImageProcessor'],
    )
    config = dict(type='mmbdg.DiffusionSource', model=str(folder), classes=['bag'], steps=1)
    free, checked = (build_source(config | dict(safety_checker=on), 0, 'cpu') for on in (False, True))
    drawn = checked.draw(0, [0])
    assert drawn.images.max() == 0 and drawn.records[0]['nsfw'] is True
    drawn = free.draw(0, [0])
    assert drawn.images.max() > 0 and 'nsfw' not in drawn.records[0] and free.pipeline.safety_checker is None
    assert not any(name.startswith('safety_checker') for name in free.identity()['checksums'])
    assert 'safety_checker/model.safetensors' in checked.identity()['checksums']


def test_from_the_hub(tiny_text_pipeline, monkeypatch):
    asked = []

    def snapshot_download(repo_id, *, revision=None, allow_patterns=None):
        asked.append((repo_id, revision, allow_patterns))
        return str(tiny_text_pipeline)

    monkeypatch.setattr(huggingface_hub, 'snapshot_download', snapshot_download)
    downloaded.cache_clear()
    found, revision = find_pipeline('hf://org/name@v1')
    assert (found.path, revision) == (tiny_text_pipeline, 'v1')
    assert asked == [('org/name', 'v1', list(HUB_FILES))]
    source = build_source(dict(type='mmbdg.DiffusionSource', model='hf://org/name@v1', classes=['bag'], steps=1), 0, 'cpu')
    assert source.draw(0, [0]).records[0]['revision'] == 'v1'
    downloaded.cache_clear()
    wanted = {name for name in found.files if any(Path(name).match(pattern) for pattern in HUB_FILES)}
    assert wanted == set(found.files)
