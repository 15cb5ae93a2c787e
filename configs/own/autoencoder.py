"""An autoencoder of your images, for the diffusion model. Writes autoencoder/ in diffusers' layout."""

_base_ = 'images.py'

from mmbdg.own_images import verdict

work_dir = f'{_base_.work_root}/autoencoder'
iterations = _base_.plan['iterations']['autoencoder']
interval = min(1000, max(1, iterations // 5))
model = dict(
    type='mmbdg.AutoencoderTraining', autoencoder=_base_.autoencoder, grey=_base_.plan['grey'], data_preprocessor=_base_.preprocessor
)
train_dataloader = dict(batch_size=_base_.plan['batches']['autoencoder'], dataset=dict(part='train'))
val_dataloader = dict(batch_size=32, num_workers=2, dataset=dict(part='val'))
val_evaluator = dict(type='mmbdg.ReconstructionPSNR')
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=interval)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.0))
param_scheduler = dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iterations // 2, end=iterations, by_epoch=False)
default_hooks = dict(checkpoint=dict(interval=interval, save_best='PSNR', rule='greater'))
custom_hooks = [dict(type='mmbdg.ExportPretrainedHook', folder='autoencoder'), verdict('autoencoder')]
next_step = 'python tools/train.py {config_dir}/diffusion.py'
