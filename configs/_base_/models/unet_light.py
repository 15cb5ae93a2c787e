"""A small U-Net that learns from few images: four levels, 16 channels at the first, 0.45 million weights (mmseg)."""

width = 16
levels = 4
unet = dict(
    type='mmseg.UNet',
    base_channels=width,
    num_stages=levels,
    strides=(1,) * levels,
    enc_num_convs=(2,) * levels,
    dec_num_convs=(2,) * (levels - 1),
    downsamples=(True,) * (levels - 1),
    enc_dilations=(1,) * levels,
    dec_dilations=(1,) * (levels - 1),
    norm_cfg=dict(type='BN'),
)
pixelwise_head = dict(
    type='mmseg.FCNHead',
    in_channels=width,
    in_index=levels - 1,
    channels=width,
    num_convs=0,
    concat_input=False,
    dropout_ratio=0,
    align_corners=False,
    loss_decode=dict(type='mmseg.CrossEntropyLoss', use_sigmoid=False),
    # mmseg's 0.01 is for hundreds of channels. With 16, the logits stay near 0 for hundreds of iterations, and all classes become
    # background; 0.25 is 1 / sqrt(16).
    init_cfg=dict(type='Normal', std=0.25, override=dict(name='conv_seg')),
)
