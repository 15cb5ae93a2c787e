"""VQGAN at 32 px for ten garment classes: 8 x 8 tokens of 256 codes."""

generator = dict(
    type='mmbdg.VQGAN',
    resolution=32,
    num_classes=10,
    n_embed=256,
    code_dim=16,
    z_channels=32,
    ch=16,
    ch_mult=(1, 2, 2),
    num_res_blocks=1,
    attn_resolutions=(),
    norm_groups=8,
    n_layer=4,
    n_head=4,
    n_embd=96,
    tap_every=2,
    top_k=256,
    top_p=0.95,
)
