"""VQGAN at 32 px for ten garment classes: 8 x 8 tokens of 128 codes."""

generator = dict(
    type='mmbdg.VQGAN',
    resolution=32,
    num_classes=10,
    n_embed=128,
    code_dim=16,
    z_channels=32,
    ch=8,
    ch_mult=(1, 2, 4),
    num_res_blocks=1,
    attn_resolutions=(),
    norm_groups=4,
    n_layer=4,
    n_head=4,
    n_embd=96,
    tap_every=2,
    top_k=128,
    top_p=0.95,
)
