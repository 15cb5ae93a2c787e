"""A segmentor of the garments on corrupted test images: 15 published corruptions, five severities (docs/out_of_domain.md).

    python tools/train.py configs/transfer/fashion/unet_32px.py
    python tools/corruption_accuracy.py configs/robustness/segmentor_corruptions.py work_dirs/unet_32px/iter_4000.pth OUT.json

The masks are those of the images without corruption. For another network, inherit from its config and set the pipeline as here.
"""

_base_ = '../transfer/fashion/unet_32px.py'

corruption = 'gaussian_noise'  # tools/corruption_accuracy.py sets corruption and severity itself
severity = 3
corruption_seed = 0
test_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='mmbdg.CorruptImage', corruption=corruption, severity=severity, seed=corruption_seed),
            *_base_.test_pipeline,
        ]
    )
)
