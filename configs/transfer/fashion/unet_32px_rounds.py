"""unet_32px_light.py, trained with all rounds of a steered synthesis (docs/steered_synthesis.md). The test images are real.

python tools/train.py configs/transfer/fashion/unet_32px_rounds.py --cfg-options rounds=[work_dirs/round_0,work_dirs/round_1]
"""

_base_ = 'unet_32px_light.py'

rounds = ['work_dirs/round_0', 'work_dirs/round_1']  # datasets of tools/synthesize.py

train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmbdg.AddressedSampler'),
    dataset=dict(
        _delete_=True,
        type='mmbdg.MixedDataset',
        parts={
            f'round_{number}': dict(
                type='mmbdg.SyntheticSegDataset',
                data_root=root,
                label_space='classes',
                allow_empty=True,  # a round may have no image of a class
                pipeline=[dict(type='mmbdg.LoadImage'), dict(type='mmbdg.LoadMask'), *_base_.train_dataloader.dataset.pipeline],
            )
            for number, root in enumerate(rounds)
        },
    ),
)
