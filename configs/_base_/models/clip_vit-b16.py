"""open_clip's ViT-B-16, the CLIP model of "The Unmet Promise" (arXiv 2406.05184; adapt/conf/base.yaml of its released code).

The weights are a local file: the safetensors file of laion/CLIP-ViT-B-16-laion2B-s34B-b88K on the Hugging Face hub, or its torch file.
Nothing is downloaded.
"""

clip_model = 'ViT-B-16'
clip_pretrained = 'laion2b_s34b_b88k'  # decides the preprocessing
clip_weights = 'checkpoints/CLIP-ViT-B-16-laion2B-s34B-b88K/open_clip_model.safetensors'
clip = dict(model=clip_model, pretrained=clip_pretrained, weights=clip_weights)

encoder = dict(
    type='ImageClassifier',
    _scope_='mmpretrain',
    data_preprocessor=dict(  # mean and deviation of open_clip's config times 255; a training checks them
        type='ClsDataPreprocessor',
        mean=[122.7709383, 116.7460125, 104.09373615],
        std=[68.5005327, 66.6321579, 70.32316305],
        to_rgb=True,
    ),
    backbone=dict(type='mmbdg.OpenCLIPBackbone', **clip),
)
requires = dict(clip_weights='the weights of the CLIP model: laion/CLIP-ViT-B-16-laion2B-s34B-b88K on the Hugging Face hub')
