"""Tiny diffusion pipelines with random weights, of diffusers' own classes."""

import gzip
from pathlib import Path

import torch

TINY_SIZE = 16
"""Height and width of the images of the text-to-image pipeline; those of the class-conditional pipeline are 8."""
MERGES = 78


def clip_vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of CLIP's tokenizer, reduced to the first merges of open_clip's file: 592 tokens."""
    from open_clip.tokenizer import bytes_to_unicode, default_bpe

    lines = gzip.decompress(Path(default_bpe()).read_bytes()).decode().split('\n')[1 : 1 + MERGES]
    merges = [tuple(line.split()) for line in lines]
    signs = list(bytes_to_unicode().values())
    tokens = [*signs, *(sign + '</w>' for sign in signs), *(a + b for a, b in merges), '<|startoftext|>', '<|endoftext|>']
    return {token: number for number, token in enumerate(tokens)}, merges


def write_text_pipeline(folder: Path) -> Path:
    """A ``StableDiffusionPipeline`` without safety checker: 16 px, an autoencoder that halves height and width."""
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    vocabulary, merges = clip_vocabulary()
    text = dict(vocab_size=len(vocabulary), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderKL(
            block_out_channels=(8, 8),
            down_block_types=('DownEncoderBlock2D',) * 2,
            up_block_types=('UpDecoderBlock2D',) * 2,
            latent_channels=4,
            norm_num_groups=4,
            sample_size=TINY_SIZE,
        ),
        text_encoder=CLIPTextModel(CLIPTextConfig(**text, max_position_embeddings=77, bos_token_id=590, eos_token_id=591)),
        tokenizer=CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77),
        unet=UNet2DConditionModel(
            sample_size=TINY_SIZE // 2,
            block_out_channels=(8, 16),
            down_block_types=('DownBlock2D', 'CrossAttnDownBlock2D'),
            up_block_types=('CrossAttnUpBlock2D', 'UpBlock2D'),
            layers_per_block=1,
            cross_attention_dim=16,
            attention_head_dim=4,
            norm_num_groups=4,
        ),
        scheduler=DDIMScheduler(beta_schedule='scaled_linear', clip_sample=False, set_alpha_to_one=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    louder(pipeline)
    pipeline.save_pretrained(folder)
    return folder


def write_class_pipeline(folder: Path) -> Path:
    """A ``DiTPipeline`` of 8 px whose labels are ImageNet's; diffusers always uses 1,000 as the label of no class."""
    from diffusers import AutoencoderKL, DDIMScheduler, DiTPipeline, DiTTransformer2DModel

    torch.manual_seed(1)
    pipeline = DiTPipeline(
        transformer=DiTTransformer2DModel(
            num_attention_heads=2,
            attention_head_dim=4,
            in_channels=4,
            out_channels=8,
            num_layers=1,
            sample_size=4,
            patch_size=2,
            num_embeds_ada_norm=1000,
            norm_num_groups=4,
        ),
        vae=AutoencoderKL(
            block_out_channels=(8, 8),
            down_block_types=('DownEncoderBlock2D',) * 2,
            up_block_types=('UpDecoderBlock2D',) * 2,
            latent_channels=4,
            norm_num_groups=4,
            sample_size=8,
        ),
        scheduler=DDIMScheduler(),
    )
    louder(pipeline)
    pipeline.save_pretrained(folder)
    return folder


def write_flow_pipeline(folder: Path) -> Path:
    """A ``StableDiffusion3Pipeline`` with its three text encoders: 16 px; two by CLIP, one by T5."""
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer, T5Config, T5EncoderModel, T5Tokenizer

    torch.manual_seed(2)
    vocabulary, merges = clip_vocabulary()
    text = dict(vocab_size=len(vocabulary), hidden_size=8, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2)
    text |= dict(max_position_embeddings=77, bos_token_id=590, eos_token_id=591)
    pieces = [('<pad>', 0.0), ('</s>', 0.0), ('<unk>', -9.0), *((sign, -2.0) for sign in '\u2581abcdefghijklmnopqrstuvwxyz')]
    pipeline = StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=4,
            out_channels=4,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=20,
            caption_projection_dim=16,
            pooled_projection_dim=14,
            pos_embed_max_size=8,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=AutoencoderKL(
            block_out_channels=(4, 8),
            down_block_types=('DownEncoderBlock2D',) * 2,
            up_block_types=('UpDecoderBlock2D',) * 2,
            latent_channels=4,
            norm_num_groups=4,
            sample_size=TINY_SIZE,
            shift_factor=0.1,
            use_quant_conv=False,
            use_post_quant_conv=False,
        ),
        text_encoder=CLIPTextModelWithProjection(CLIPTextConfig(**text, projection_dim=6)),
        tokenizer=CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77),
        text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(**text, projection_dim=8)),
        tokenizer_2=CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77, pad_token='!'),
        text_encoder_3=T5EncoderModel(T5Config(vocab_size=len(pieces), d_model=20, d_kv=4, d_ff=8, num_layers=1, num_heads=2)),
        tokenizer_3=T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=512),
    )
    louder(pipeline)
    pipeline.save_pretrained(folder)
    return folder


def louder(pipeline) -> None:
    """Set random weights with which condition and noise have a visible effect on the image."""
    for name in ('text_encoder', 'text_encoder_2', 'text_encoder_3', 'unet', 'transformer'):
        if model := getattr(pipeline, name, None):
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.data.normal_(std=1.2 * parameter[0].numel() ** -0.5)
