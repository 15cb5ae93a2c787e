"""Joint pre-training at the paper's scale: ImageNet and BigGAN-sim 100k, ResNet-50, batch 256 on 8 GPUs (BigDatasetGAN, section 5.3).

    tools/dist_train.sh configs/densecl_biggan_fpn_in1k.py 8

The training starts from DenseCL after 150 of 200 epochs and trains the last 50 epochs jointly. Not run by us, because neither the data nor
eight GPUs were available.
"""

_base_ = ['mmpretrain::densecl/densecl_resnet50_8xb32-coslr-200e_in1k.py', '_base_/joint_in1k.py']

load_from = 'work_dirs/densecl_r50_150of200ep_in1k/epoch_150.pth'  # paper: "the checkpoint trained on ImageNet after 150 epochs"

model = dict(  # DenseCL: queue 65,536, temperature 0.2, lambda 0.5, EMA 0.999
    type='mmbdg.JointDenseCL',
    **_base_.branch,
)
train_dataloader = dict(
    batch_size=32,  # per GPU; DenseCL: 256 on 8 GPUs
    sampler=_base_.addressed_sampler,
    dataset=dict(ssl=dict(pipeline=_base_.train_pipeline, **_base_.real_images), **_base_.paired),
)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.03, weight_decay=1e-4, momentum=0.9))  # DenseCL
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=50)  # paper
# Continues DenseCL's cosine schedule: 0.00439 in the first of these epochs, 0.00114 in the 26th, 0.000002 in the last.
param_scheduler = [dict(type='mmbdg.ContinuedCosineLR', T_max=200, elapsed=150, by_epoch=True)]
find_unused_parameters = False  # every parameter is used by one of the losses
custom_hooks = [dict(type='mmbdg.QueueReportHook'), *_base_.seeing]

requires = dict(load_from='DenseCL after 150 of 200 epochs: tools/dist_train.sh configs/densecl_r50_150of200ep_in1k.py 8')
