"""BigGAN at 32 px for ten garment classes: 0.55 M parameters, latents of four chunks of 16."""

generator = dict(
    type='mmbdg.BigGAN',
    resolution=32,
    num_classes=10,
    base_channels=32,
    channel_multipliers=(4, 4, 2, 1),
    latent_dim=64,
    embed_dim=32,
    attention=(16,),
)
