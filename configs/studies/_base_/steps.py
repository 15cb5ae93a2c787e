"""Tools as steps of studies: their command line, what they make, and how an interrupted run goes on."""

train = dict(
    tool='train.py', arguments=['{config}', '--work-dir', '{out}'], resume=['--resume'], outputs=dict(checkpoint='@last_checkpoint')
)
extract_backbone = dict(
    tool='extract_backbone.py',
    arguments=['{pretrain.checkpoint}', '{out}/backbone.safetensors'],
    outputs=dict(backbone='backbone.safetensors'),
)
no_pictures = {  # of a pre-training: neither pictures nor a validation, and checkpoints to go on from
    'custom_hooks': [],
    'train_cfg.val_begin': 10**9,
    'default_hooks.checkpoint.interval': 60,
}
no_files = {'custom_hooks': [], 'default_hooks.checkpoint.save_last': False}  # of a transfer: neither pictures nor a checkpoint
