"""Select the 30 % of each class with the highest CLIP score, at most 10,000 images ("The Unmet Promise", section 3.3).

python tools/select_samples.py DATASET configs/selections/clip_top30.py
python tools/select_samples.py DATASET configs/selections/clip_top30.py --cfg-options clip=checkpoints/CLIP-ViT-B-16-laion2B-s34B-b88K

The paper uses open_clip's ViT-B-16 with the weights laion2b_s34b_b88k; set clip to a copy of its folder on the Hugging Face hub.
"""

clip = 'mmbdg://fashion32/clip'
fraction = 0.3

selection = dict(
    name='clip_top30',
    steps=[
        dict(
            type='mmbdg.ClipScore',
            embedder=dict(type='mmbdg.OpenCLIP', folder=clip),
            templates=['a photo of a {}.'],
            reduce='max',
            fraction=fraction,
            max_per_class=10_000,
        )
    ],
)
