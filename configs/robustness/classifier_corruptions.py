"""A classifier of the garments on corrupted test images: 15 published corruptions, five severities (docs/out_of_domain.md).

    python tools/corruption_accuracy.py configs/robustness/classifier_corruptions.py mmbdg/assets/fashion32/classifier.safetensors OUT.json
    python tools/test.py configs/robustness/classifier_corruptions.py CHECKPOINT --cfg-options corruption=fog severity=2

The first command measures all of them, the second one. CHECKPOINT is one of configs/classifier/resnet_fashion32.py, or of another training
of the same network. For another network, inherit from its config and set the pipeline as here.
"""

_base_ = '../classifier/resnet_fashion32.py'

corruption = 'gaussian_noise'  # tools/corruption_accuracy.py sets corruption and severity itself
severity = 3
corruption_seed = 0
test_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='mmbdg.CorruptImage', corruption=corruption, severity=severity, seed=corruption_seed),
            dict(type='PackInputs'),
        ]
    )
)
