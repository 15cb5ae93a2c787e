"""Fine-tuning of a CLIP image tower with a linear head from zero-shot weights, as in "The Unmet Promise" (arXiv 2406.05184).

"code" is the released code (scottgeng00/unmet-promise), "paper" its appendix D. Where only the code is named, we do not know whether the
text of the paper gives the number too. No training at this size was run by us.
"""

_base_ = ['runtime.py', 'models/clip_vit-b16.py']

learning_rate = 1e-5  # code, adapt/conf/*.yaml. Paper: chosen per dataset by validation from 5e-4 (sic), 1e-5, 1e-6
weight_decay = 0.1  # code, base.yaml; on all parameters, also on biases and norms (finetune.py)
warmup = 500  # iterations; code, base.yaml
epochs = 30  # code, base.yaml
batch_size = 512  # code, base.yaml: of all GPUs together; with n GPUs set 512 / n

model = dict(
    **_base_.encoder,
    head=dict(
        type='mmbdg.ZeroShotHead',  # zero-shot weights times the scale of the logits, bias 0: code, zeroshot.py and modeling.py
        **_base_.clip,
        classes='in1k',
        loss=dict(type='CrossEntropyLoss', loss_weight=1.0),  # end to end; the contrastive loss was worse (paper)
    ),
)
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
)
test_dataloader = dict(
    batch_size=256,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
)
test_evaluator = dict(type='Accuracy', topk=(1,))
test_cfg = dict()

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs, val_interval=1)
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=learning_rate, betas=(0.9, 0.95), weight_decay=weight_decay),  # betas: code, finetune.py
    clip_grad=dict(max_norm=1.0),  # code, finetune.py
)
param_scheduler = [  # linear, then cosine to 0: code, utils.py
    dict(type='mmbdg.WarmupCosineLR', warmup=warmup, T_max=epochs, by_epoch=True, convert_to_iter_based=True)
]
default_hooks = dict(checkpoint=dict(by_epoch=True, interval=1))
log_processor = dict(by_epoch=True)
next_step = 'python tools/test.py {config} {checkpoint}'
