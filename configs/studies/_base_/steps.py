"""Steps of studies that run a tool: command line, outputs, and the arguments that continue an interrupted run."""

train = dict(
    tool='train.py', arguments=['{config}', '--work-dir', '{out}'], resume=['--resume'], outputs=dict(checkpoint='@last_checkpoint')
)
extract_backbone = dict(
    tool='extract_backbone.py',
    arguments=['{pretrain.checkpoint}', '{out}/backbone.safetensors'],
    outputs=dict(backbone='backbone.safetensors'),
)
no_pictures = {  # options of a pre-training: no pictures, no validation, and checkpoints for --resume
    'custom_hooks': [],
    'train_cfg.val_begin': 10**9,
    'default_hooks.checkpoint.interval': 60,
}
no_files = {'custom_hooks': [], 'default_hooks.checkpoint.save_last': False}  # options of a transfer
