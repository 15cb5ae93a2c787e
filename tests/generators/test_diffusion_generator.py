"""The diffusion generator against diffusers' own pipelines, its features, annotated images and weights."""

import ast

import numpy as np
import pytest
import torch
from conftest import build_tiny, run_tool
from tiny_denoisers import DDIM, TINY_DENOISERS, TINY_DIFFUSION, TINY_DIT, TINY_KL, TINY_PIXEL_DIFFUSION, TINY_SD3
from tiny_pipelines import write_flow_pipeline
from torch.nn import functional as F

from mmbdg.data_configs import check_weights_hold
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors
from mmbdg.generators import DiffusionGenerator
from mmbdg.generators.diffusers_parts import SCHEDULERS
from mmbdg.generators.frozen import Frozen
from mmbdg.generators.noise_schedules import nearest_steps
from mmbdg.pipeline_weights import PipelineWeights, generator_config
from mmbdg.registry import MODELS
from mmbdg.sources import generator_inputs
from mmbdg.sources.latents import latent


@pytest.fixture(scope='module')
def tiny() -> dict[str, DiffusionGenerator]:
    return {name: build_tiny(config) for name, config in TINY_DENOISERS.items()}


@pytest.fixture(scope='module')
def latent_model(tiny) -> DiffusionGenerator:
    return tiny['DiffusionGenerator']


def batch(generator: DiffusionGenerator, n: int = 2, first: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    return generator_inputs(generator, 3, [i % 3 for i in range(first, first + n)], range(first, first + n))


@pytest.mark.parametrize('name', TINY_DENOISERS)
def test_taps_change_no_bit_of_the_image(tiny, name):
    z, y = batch(tiny[name])
    image, features = tiny[name].forward_features(z, y)
    assert torch.equal(image, tiny[name](z, y)) and len(features) == len(tiny[name].feature_info)
    hooks = [module for module in tiny[name].modules() if module._forward_hooks]
    assert not hooks


@pytest.mark.parametrize('name', TINY_DENOISERS)
def test_features_depend_on_no_other_sample(tiny, name):
    z, y = batch(tiny[name], 3)
    _, together = tiny[name].forward_features(z, y)
    _, alone = tiny[name].forward_features(z[1:2], y[1:2])
    for whole, single in zip(together, alone, strict=True):
        assert (whole[1:2] - single).abs().max() <= 1e-5 * max(1, single.abs().max())  # random weights give features of any scale


class TestPipelines:
    """Images equal those of diffusers' pipelines, called by hand with the same initial latents."""

    def test_stable_diffusion(self, latent_model):
        from diffusers import StableDiffusionPipeline

        own = latent_model
        pipeline = StableDiffusionPipeline(
            own.autoencoder, None, None, own.denoiser, own.scheduler, None, None, requires_safety_checker=False
        )
        pipeline.set_progress_bar_config(disable=True)
        z, y = batch(own)
        expected = pipeline(
            prompt_embeds=own.class_context[y],
            negative_prompt_embeds=own.empty_context.expand(2, -1, -1),
            latents=z.reshape(2, 4, 8, 8),
            num_inference_steps=own.steps,
            guidance_scale=own.guidance,
            output_type='pt',
        ).images
        assert torch.equal((own(z, y) / 2 + 0.5).clamp(0, 1), expected)

    def test_dit(self, monkeypatch):
        from diffusers import DiTPipeline
        from diffusers.pipelines.dit import pipeline_dit

        config = dict(TINY_DIT, num_classes=1000, denoiser=dict(TINY_DIT['denoiser'], num_embeds_ada_norm=1000))  # its "no class" is 1,000
        own = build_tiny(config)
        z = torch.randn(2, own.latent_dim)
        monkeypatch.setattr(pipeline_dit, 'randn_tensor', lambda **_: z.reshape(2, 4, 8, 8))
        pipeline = DiTPipeline(own.denoiser, own.autoencoder, own.scheduler)
        pipeline.set_progress_bar_config(disable=True)
        expected = pipeline([5, 900], guidance_scale=own.guidance, num_inference_steps=own.steps, output_type='pt').images
        assert torch.equal((own(z, torch.tensor([5, 900])) / 2 + 0.5).clamp(0, 1), expected)

    def test_dit_with_more_labels_than_classes(self, tiny):
        """The labels after the classes are not used, except the last one, "no class"."""
        whole = tiny['DiffusionGenerator DiT']
        part = build_tiny(dict(TINY_DIT, num_classes=2))
        part.load_state_dict(whole.state_dict())
        z, y = batch(whole)
        assert torch.equal(part(z, y % 2), whole(z, y % 2))
        with pytest.raises(InputError, match=r'class indices must lie in 0..1'):
            part(z, torch.full_like(y, 2))

    def test_sd3(self, tiny):
        from diffusers import StableDiffusion3Pipeline

        own = tiny['DiffusionGenerator SD3']
        pipeline = StableDiffusion3Pipeline(own.denoiser, own.scheduler, own.autoencoder, *[None] * 6)
        pipeline.set_progress_bar_config(disable=True)
        z, y = batch(own)
        expected = pipeline(
            prompt_embeds=own.class_context[y],
            negative_prompt_embeds=own.empty_context.expand(2, -1, -1),
            pooled_prompt_embeds=own.class_pooled[y],
            negative_pooled_prompt_embeds=own.empty_pooled.expand(2, -1),
            latents=z.reshape(2, 4, 8, 8),
            height=16,
            width=16,
            num_inference_steps=own.steps,
            guidance_scale=own.guidance,
            output_type='pt',
        ).images
        assert torch.equal((own(z, y) / 2 + 0.5).clamp(0, 1), expected)

    def test_ddpm_with_the_noise_of_each_sample(self, monkeypatch):
        from diffusers import DDPMPipeline
        from diffusers.pipelines.ddpm import pipeline_ddpm

        config = dict(TINY_PIXEL_DIFFUSION, num_classes=1, denoiser=dict(TINY_PIXEL_DIFFUSION['denoiser'], num_class_embeds=None))
        own = build_tiny(config)
        z, y = torch.randn(1, own.latent_dim), torch.zeros(1, dtype=torch.int64)
        image = own(z, y)
        drawn = []
        monkeypatch.setattr(own.scheduler, 'step', lambda *args, generator=None, **kwargs: drawn.append(generator) or (args[2],))
        own(z, y)
        assert drawn[0][0].initial_seed() == drawn[1][0].initial_seed()
        monkeypatch.undo()
        monkeypatch.setattr(pipeline_ddpm, 'randn_tensor', lambda *_, **__: z.reshape(1, 3, 16, 16))
        pipeline = DDPMPipeline(own.denoiser, own.scheduler)
        pipeline.set_progress_bar_config(disable=True)
        seed = drawn[0][0].initial_seed()
        expected = pipeline(generator=[torch.Generator().manual_seed(seed)], num_inference_steps=own.steps, output_type='np').images
        np.testing.assert_allclose((image / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize('name', SCHEDULERS)
def test_any_scheduler(name):
    """A sample is its z with any scheduler, and annotated latents are noised to the tapped timestep as in training."""
    flow = name.startswith('FlowMatch')
    own = build_tiny(dict(TINY_SD3 if flow else TINY_DIT, scheduler=dict(type=name), steps=4, timesteps=(500,)))
    z, y = batch(own, 3)
    image, features = own.forward_features(z, y)
    assert image.isfinite().all()
    torch.testing.assert_close(own(z[2:], y[2:]), image[2:], atol=1e-5, rtol=0)
    assert torch.equal(own(z, y), image)
    clean, inputs = own.encode(image), []
    handle = own.denoiser.register_forward_pre_hook(
        lambda m, args, kwargs: inputs.append((args[0] if args else kwargs['hidden_states'], kwargs['timestep'])), with_kwargs=True
    )
    annotated, of_images = own.forward_features(torch.cat([clean, z], 1), y)
    handle.remove()
    ((noisy, timestep),) = inputs
    level = float(timestep[0])
    if not flow:  # noise per signal, between the levels of the training where a scheduler has steps there
        kept = own.scheduler.alphas_cumprod.numpy().astype(np.float64)
        level = np.exp(np.interp(level, np.arange(1000), np.log((1 - kept) / kept) / 2))
    expected = (1 - level / 1000) * clean + level / 1000 * z if flow else (clean + level * z) / (1 + level**2) ** 0.5
    torch.testing.assert_close(noisy[:3].flatten(1), expected, atol=1e-3, rtol=1e-3)
    assert [feature.shape for feature in of_images] == [feature.shape for feature in features]
    assert torch.equal(annotated, own.decode(clean))


def test_noise_of_a_stochastic_scheduler_depends_on_z_only(tiny):
    own = tiny['DiffusionGenerator of pixels']
    z, y = batch(own)
    torch.manual_seed(5)
    first = own(z, y)
    torch.manual_seed(6)
    assert torch.equal(own(z, y), first)


def test_shared_random_numbers_are_refused(tiny, monkeypatch):
    own = tiny['DiffusionGenerator DiT']
    monkeypatch.setattr(own.scheduler, 'step', lambda predicted, t, x, **_: (x + torch.randn_like(x),))
    with pytest.raises(InputError, match='do not belong to a sample'):
        own(*batch(own))


class TestHalves:
    def test_of_guidance(self):
        taps = ['denoiser.mid_block']
        own = {
            half: build_tiny(dict(TINY_DIFFUSION, tapped_half=half, taps=taps, attention_maps=False))
            for half in ('conditional', 'unconditional', 'mean')
        }
        for generator in own.values():
            generator.load_state_dict(own['mean'].state_dict())
        z, y = batch(own['mean'])
        found = {half: generator.forward_features(z, y) for half, generator in own.items()}
        assert torch.equal(found['mean'][0], found['conditional'][0])
        halves = found['conditional'][1][0], found['unconditional'][1][0]
        assert not torch.equal(*halves)
        assert torch.equal((halves[0] + halves[1]) / 2, found['mean'][1][0])

    def test_of_annotated_images(self):
        """Features at the same noisy latent are those of the sampling run: at the first step, where the latent is the noise."""
        scheduler = dict(DDIM, rescale_betas_zero_snr=True, prediction_type='v_prediction')
        for half in ('conditional', 'unconditional', 'mean'):
            own = build_tiny(dict(TINY_DIFFUSION, scheduler=scheduler, tapped_half=half, timesteps=(999,), attention_maps=False))
            z, y = batch(own)
            _, sampled = own.forward_features(z, y)
            _, annotated = own.forward_features(torch.cat([torch.randn_like(z), z], 1), y)
            for info, a, b in zip(own.feature_info, sampled, annotated, strict=True):
                if info.name.startswith('denoiser'):
                    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)

    @pytest.mark.parametrize(
        ('change', 'says'),
        [
            (dict(tapped_half='both'), '"conditional", "unconditional" or "mean"'),
            (dict(tapped_half='mean', guidance=1.0), 'needs guidance above 1'),
            (dict(tapped_half='unconditional'), 'only the conditional half has'),
        ],
    )
    def test_that_do_not_exist(self, change, says):
        with pytest.raises(InputError, match=says):
            MODELS.build(dict(TINY_DIFFUSION, **change))


class TestAttention:
    def test_of_a_unet_is_that_of_its_processor(self, latent_model):
        """The map is the class token's column of softmax(q k / sqrt(d)), averaged over the heads, times the number of tokens."""
        own = latent_model
        name = 'denoiser.up_blocks.0.attentions.0.transformer_blocks.0.attn2'
        layer, given = own.get_submodule(name), []
        handle = layer.register_forward_hook(lambda m, args, kwargs, out: given.append((args[0], kwargs)), with_kwargs=True)
        z, y = batch(own)
        _, features = own.forward_features(z, y)
        handle.remove()
        maps = [feature for info, feature in zip(own.feature_info, features, strict=True) if info.name == name]
        assert len(maps) == len(own._tapped_steps) == 2
        hidden, context = given[own._tapped_steps[0]][0][2:], own.class_context[y]  # conditional half second
        query, key = (layer.head_to_batch_dim(part) for part in (layer.to_q(hidden), layer.to_k(context)))
        scores = layer.get_attention_scores(query, key).unflatten(0, (2, layer.heads)).mean(1)[..., 1] * 5
        torch.testing.assert_close(maps[0].flatten(1), scores, atol=1e-5, rtol=1e-5)
        assert maps[0].std() > 0

    def test_of_joint_attention_sums_to_one_over_image_and_text(self, tiny):
        from mmbdg.generators.denoisers import attention_map

        own = tiny['DiffusionGenerator SD3']
        layer = own.denoiser.transformer_blocks[0].attn
        hidden, context = torch.randn(1, 9, 16), torch.randn(1, 5, 16)
        of_text = sum(attention_map(layer, hidden, context, F.one_hot(torch.tensor([i]), 5).float()) for i in range(5)) / (9 + 5)
        image, text = (layer.to_k(hidden), layer.add_k_proj(context))
        scores = torch.cat([image, text], 1).unflatten(2, (2, 8)).transpose(1, 2)
        query = layer.to_q(hidden).unflatten(2, (2, 8)).transpose(1, 2)
        expected = (query @ scores.transpose(2, 3) / 8**0.5).softmax(-1)[..., 9:].sum(-1).mean(1)
        torch.testing.assert_close(of_text, expected)

    @pytest.mark.parametrize('config', [TINY_DIT, TINY_PIXEL_DIFFUSION])
    def test_that_does_not_exist(self, config):
        with pytest.raises(InputError, match='has no cross-attention'):
            MODELS.build(dict(config, attention_maps=True))


class TestAnnotatedImages:
    def test_are_noised_to_the_tapped_timesteps(self, latent_model, monkeypatch):
        """x_t = sqrt(a_t) x + sqrt(1 - a_t) noise, by hand from the schedule's betas."""
        own, inputs = latent_model, []
        clean, noise, y = torch.randn(2, own.latent_dim), torch.randn(2, own.latent_dim), torch.tensor([0, 2])
        handle = own.denoiser.register_forward_pre_hook(
            lambda m, args, kwargs: inputs.append((args[0], kwargs['timestep'])), with_kwargs=True
        )
        image, _ = own.forward_features(torch.cat([clean, noise], 1), y)
        handle.remove()
        kept = np.cumprod(1 - np.linspace(0.0001**0.5, 0.02**0.5, 1000) ** 2)
        assert len(inputs) == 2
        for noisy, timestep in inputs:
            share = kept[int(timestep[0])]
            expected = share**0.5 * clean + (1 - share) ** 0.5 * noise
            torch.testing.assert_close(noisy.flatten(1), expected.float(), atol=1e-5, rtol=1e-5)
        assert torch.equal(image, own.decode(clean))
        own(torch.cat([clean, noise], 1), y)
        assert len(inputs) == 2  # without features the denoiser does not run

    def test_latents_are_those_of_the_autoencoder(self, tiny):
        for own in tiny.values():
            images = torch.rand(2, 3, 16, 16) * 2 - 1
            latents = own.encode(images)
            assert latents.shape == (2, own.latent_dim)
            assert own.decode(latents).shape == images.shape
        own = tiny['DiffusionGenerator SD3']
        expected = (own.autoencoder.encode(images).latent_dist.mode() - 0.1) * 0.18215
        torch.testing.assert_close(own.encode(images), expected.flatten(1))
        own = tiny['DiffusionGenerator of pixels']
        torch.testing.assert_close(own.decode(own.encode(images)), images)

    def test_bad_images(self, latent_model):
        with pytest.raises(InputError, match=r'images must be float \(N, 3, 16, 16\)'):
            latent_model.encode(torch.zeros(1, 3, 32, 32))
        with pytest.raises(InputError, match=r'must lie in \[-1, 1\]'):
            latent_model.encode(torch.full((1, 3, 16, 16), 255.0))
        with pytest.raises(InputError, match='latents must be'):
            latent_model.decode(torch.zeros(1, 7))
        with pytest.raises(InputError, match='floating point'):
            latent_model(torch.zeros(1, latent_model.latent_dim, dtype=torch.int64), torch.tensor([0]))


class TestSteps:
    def test_nearest(self):
        schedule = torch.tensor([999.0, 666.0, 333.0, 0.0])
        assert nearest_steps((0, 400, 999), schedule, 1000) == (3, 2, 0)

    @pytest.mark.parametrize(
        ('timesteps', 'says'),
        [
            ((1000,), r'0\.\.999'),
            ((-1,), r'0\.\.999'),
            ((0.5,), r'0\.\.999'),
            ((), 'timesteps is empty'),
            ((400, 300), '400 and 300 have the same nearest step, 333'),
        ],
    )
    def test_that_do_not_exist(self, timesteps, says):
        with pytest.raises(InputError, match=says):
            nearest_steps(timesteps, torch.tensor([999.0, 666.0, 333.0, 0.0]), 1000)


class TestWeights:
    def config(self, folder, num_classes: int, **keys) -> dict:
        return {**generator_config(folder, num_classes), 'steps': 2, **keys}

    def test_of_a_text_pipeline(self, tiny_text_pipeline):
        """The image is that of the pipeline for the same prompt and initial latents."""
        from diffusers import AutoPipelineForText2Image

        names, prompt = ('disc', 'square'), 'a photo of a {}'
        init = dict(type='mmbdg.PipelineWeights', checkpoint=str(tiny_text_pipeline), prompt=prompt, classes=names)
        config = self.config(tiny_text_pipeline, 2, guidance=3.0, attention_maps=True, init_cfg=init)
        own = MODELS.build(config)
        own.init_weights()
        pipeline = AutoPipelineForText2Image.from_pretrained(tiny_text_pipeline, local_files_only=True)
        pipeline.set_progress_bar_config(disable=True)
        z, y = torch.randn(2, own.latent_dim), torch.tensor([0, 1])
        expected = pipeline(
            [prompt.format(name) for name in names],
            latents=z.reshape(2, 4, 8, 8),
            num_inference_steps=2,
            guidance_scale=3.0,
            output_type='pt',
        ).images
        torch.testing.assert_close((own(z, y) / 2 + 0.5).clamp(0, 1), expected, atol=1e-5, rtol=0)
        tokens = pipeline.tokenizer(prompt.format('square'))['input_ids']
        before = pipeline.tokenizer('a photo of a', add_special_tokens=False)['input_ids']
        marked = own.class_tokens[1].nonzero().flatten().tolist()
        assert marked == list(range(1 + len(before), len(tokens) - 1))  # start and end of the text do not belong to the name
        assert own.class_tokens.sum(1).allclose(torch.ones(2))

    def test_of_three_text_encoders(self, tmp_path):
        """Two CLIP encoders and T5: the image is that of StableDiffusion3Pipeline for the same prompt and initial latents."""
        from diffusers import StableDiffusion3Pipeline

        folder, prompt = write_flow_pipeline(tmp_path / 'flow'), 'a photo of a {}'
        init = dict(type='mmbdg.PipelineWeights', checkpoint=str(folder), prompt=prompt, classes=('disc', 'square'))
        config = self.config(folder, 2, guidance=3.0, init_cfg=init)
        assert config['context_length'] == 77 + 256
        own = MODELS.build(config)
        own.init_weights()
        pipeline = StableDiffusion3Pipeline.from_pretrained(folder, local_files_only=True)
        pipeline.set_progress_bar_config(disable=True)
        z, y = torch.randn(2, own.latent_dim), torch.tensor([0, 1])
        call = dict(num_inference_steps=2, guidance_scale=3.0, height=16, width=16, output_type='pt')
        expected = pipeline(['a photo of a disc', 'a photo of a square'], latents=z.reshape(2, 4, 8, 8), **call).images
        torch.testing.assert_close((own(z, y) / 2 + 0.5).clamp(0, 1), expected, atol=1e-5, rtol=0)
        assert (expected[0] - expected[1]).abs().max() > 1e-2 and (own.class_pooled[0] - own.class_pooled[1]).abs().max() > 1e-2
        for encoder, rows in (('text_encoder', slice(0, 8)), ('text_encoder_2', slice(8, 16))):  # their features lie side by side
            assert (own.class_context[0, :77, rows] - own.class_context[1, :77, rows]).abs().max() > 1e-2, encoder
        assert (own.class_context[0, 77:] - own.class_context[1, 77:]).abs().max() > 1e-2  # T5

    def test_of_a_class_pipeline(self, tiny_class_pipeline):
        init = dict(type='mmbdg.PipelineWeights', checkpoint=str(tiny_class_pipeline))
        own = MODELS.build(self.config(tiny_class_pipeline, 1000, guidance=2.0, init_cfg=init))
        own.init_weights()
        from diffusers import DiTTransformer2DModel

        other = DiTTransformer2DModel.from_pretrained(tiny_class_pipeline / 'transformer')
        assert all(torch.equal(a, b) for a, b in zip(own.denoiser.state_dict().values(), other.state_dict().values(), strict=True))

    def test_of_another_config(self, tiny_text_pipeline):
        config = self.config(tiny_text_pipeline, 1)
        weights = PipelineWeights(tiny_text_pipeline, 'a {}', ['disc'])
        for part, key, value in (
            ('denoiser', 'norm_num_groups', 8),
            ('scheduler', 'beta_end', 0.1),
            ('autoencoder', 'scaling_factor', 1.0),
        ):
            other = MODELS.build({**config, part: {**config[part], key: value}})
            with pytest.raises(InputError, match=rf'{part}\.{key} is .* but {value} in the config'):
                weights(other)
        with pytest.raises(InputError, match='DDIMScheduler, that of the config FlowMatchEulerDiscreteScheduler: only one of them'):
            weights(MODELS.build({**config, 'scheduler': dict(type='FlowMatchEulerDiscreteScheduler')}))
        with pytest.raises(InputError, match='set context_length=77'):
            weights(MODELS.build({**config, 'context_length': 12}))
        with pytest.raises(InputError, match='the autoencoder of .* is AutoencoderKL, that of the config AutoencoderTiny'):
            weights(MODELS.build({**config, 'autoencoder': dict(type='AutoencoderTiny', latent_channels=4)}))

    def test_of_the_tool(self, tiny_text_pipeline, tmp_path):
        """The tool prints a config that reads the file it writes, and the file gives the samples of the folder."""
        out, texts = tmp_path / 'own.safetensors', dict(prompt='a {}', classes=['disc', 'square'])
        command = ('tools/convert_generator.py', tiny_text_pipeline, out, '--from', 'diffusers', '--classes', 'disc, square')
        printed = run_tool(*command, '--prompt', 'a {}', '--options', 'steps=2', 'guidance=2.0').stdout
        own = MODELS.build(ast.literal_eval(printed.partition('generator = ')[2]))
        own.init_weights()
        other = MODELS.build(self.config(tiny_text_pipeline, 2, guidance=2.0))
        PipelineWeights(tiny_text_pipeline, **texts)(other)
        z, y = torch.randn(2, own.latent_dim), torch.tensor([0, 1])
        assert own.steps == 2 and torch.equal(own(z, y), other(z, y))
        result = run_tool(*command[:5], check=False)
        assert result.returncode == 2 and 'needs --classes' in result.stdout

    def test_prompts_that_do_not_fit(self, tiny_text_pipeline, tiny_class_pipeline):
        own = MODELS.build(self.config(tiny_text_pipeline, 2))
        for given, says in (
            (dict(), 'takes text: add prompt'),
            (dict(prompt='a photo', classes=['a', 'b']), 'one {} for the name'),
            (dict(prompt='a {}', classes=['a']), '1 names, the generator has 2'),
            (dict(prompt='a {}', classes=['a', 'b' * 400]), 'longer than 77 tokens'),
            (dict(prompt='a {}' + ' b' * 80, classes=['a', 'b']), 'longer than 77 tokens'),
        ):
            with pytest.raises(InputError, match=says):
                PipelineWeights(tiny_text_pipeline, **given)(own)
        own = MODELS.build(self.config(tiny_class_pipeline, 1000))
        with pytest.raises(InputError, match='takes no text'):
            PipelineWeights(tiny_class_pipeline, prompt='a {}', classes='in1k')(own)

    def test_pickled_ones_are_not_read(self, tiny_text_pipeline, tmp_path):
        import shutil

        folder = tmp_path / 'pickled'
        shutil.copytree(tiny_text_pipeline, folder)
        weights = folder / 'unet' / 'diffusion_pytorch_model.safetensors'
        weights.rename(weights.with_suffix('.bin'))
        with pytest.raises(InputError, match='is a pickle, which can run code'):
            PipelineWeights(folder, 'a {}', ['disc'])(MODELS.build(self.config(folder, 1)))


class TestBadInput:
    @pytest.mark.parametrize(
        ('config', 'change', 'says'),
        [
            (TINY_DIFFUSION, dict(taps=['denoiser.up_blocks.9']), 'no block "denoiser.up_blocks.9"'),
            (TINY_DIFFUSION, dict(taps=['autoencoder.encoder.mid_block']), 'no block "autoencoder.encoder.mid_block"'),
            (TINY_DIFFUSION, dict(taps=['denoiser.time_embedding']), 'no square feature map'),
            (TINY_DIFFUSION, dict(taps=[]), 'at least one block'),
            (TINY_DIFFUSION, dict(timesteps=(1000,)), 'timesteps must be integers'),
            (TINY_DIFFUSION, dict(resolution=17), 'resolution 17 does not fit'),
            (TINY_DIT, dict(resolution=32), 'resolution 32 does not fit'),
            (TINY_DIFFUSION, dict(scheduler=dict(type='DDIMSchedule')), 'did you mean "DDIMScheduler"'),
            (TINY_DIFFUSION, dict(autoencoder=dict(TINY_KL, latent_channels=8)), '8 latent channels'),
            (TINY_DIFFUSION, dict(autoencoder=None), 'a model of pixels has 1 or 3'),
            (TINY_DIT, dict(num_classes=4), 'num_embeds_ada_norm is 3'),
            (TINY_PIXEL_DIFFUSION, dict(num_classes=5), 'num_class_embeds is 3'),
            (TINY_PIXEL_DIFFUSION, dict(guidance=2.0), 'label of "no class"'),
            (TINY_DIFFUSION, dict(context_length=0), 'context_length'),
            (TINY_DIFFUSION, dict(steps=0), 'steps must lie in 1..1000'),
            (TINY_DIFFUSION, dict(steps=2000), 'steps must lie in 1..1000'),
            (TINY_DIFFUSION, dict(resolution=2**24), 'would have 16,777,216 px a side; at most 8,192'),
            (TINY_DIFFUSION, dict(scheduler=dict(type='DDPMScheduler', variance_type='learned_range')), 'set it to "fixed_small"'),
            (TINY_DIT, dict(autoencoder=dict(TINY_DIT['autoencoder'], upsampling_scaling_factor=4)), 'images of 32 px for latents of 8'),
            (
                TINY_DIT,
                dict(denoiser=dict(TINY_DIT['denoiser'], num_layers=10**7)),
                r'denoiser.num_layers must lie in 0..256',
            ),
            (TINY_DIT, dict(autoencoder=dict(TINY_KL, layers_per_block=-1)), r'autoencoder.layers_per_block must lie'),
        ],
    )
    def test_in_a_config(self, config, change, says):
        with pytest.raises(InputError, match=says):
            MODELS.build({**config, **change})

    def test_a_size_that_no_weights_state(self, tiny, tmp_path):
        """The position embeddings of a transformer are not in its file; a large number of positions would take all memory."""
        write_safetensors(tmp_path / 'g.safetensors', tiny['DiffusionGenerator DiT'].state_dict())
        check_weights_hold(TINY_DIT, MODELS, 'the generator', tmp_path / 'g.safetensors')
        large = dict(TINY_DIT, denoiser=dict(TINY_DIT['denoiser'], sample_size=1024))
        with pytest.raises(InputError, match='they are the weights of another network'):
            check_weights_hold(large, MODELS, 'the generator', tmp_path / 'g.safetensors')

    def test_other_conditions(self):
        denoiser = dict(TINY_DIFFUSION['denoiser'], class_embed_type='timestep')
        with pytest.raises(InputError, match='class_embed_type'):
            MODELS.build(dict(TINY_DIFFUSION, denoiser=denoiser))

    def test_truncation(self):
        with pytest.raises(InputError, match='needs its full variance'):
            latent(0, 0, 0, 8, truncation=0.9, distribution='noise')
        np.testing.assert_array_equal(latent(0, 0, 0, 8, distribution='noise'), latent(0, 0, 0, 8))

    def test_compiling(self, latent_model):
        with pytest.raises(InputError, match='Set compile=False'):
            Frozen(latent_model, compile=True)
