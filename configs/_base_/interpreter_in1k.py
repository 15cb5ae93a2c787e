"""Interpreters for a generator of the 1,000 ImageNet classes. The inheriting config sets the generator and its sizes."""

_base_ = ['interpreter_training.py', 'datasets/in1k_classes.py']

annotated = 'data/annotated'
label_space = 'fgbg'
ignore_value = None  # grey value of ignored pixels in the masks; 128 for masks written by tools/annotate.py import
model = dict(
    type='mmbdg.InterpreterTraining',
    interpreter=dict(
        type='mmbdg.InterpreterEnsemble',
        num_members=_base_.num_members,
        member=dict(
            type='mmbdg.FeatureInterpreter',
            num_outputs=1,  # FG/BG; the class is known from the generator
            groups='relative',  # R/16, R/4, R: as published for 512 px
            widths=(128, 64, 32),
            out_kernel=3,  # as in the released code; 1 in the paper
        ),
    ),
)
latents = dict(
    type='mmbdg.AnnotatedLatents',
    data_root=annotated,
    class_names=_base_.class_names,
    label_space=label_space,
    ignore_value=ignore_value,
    allow_missing_classes=True,  # the samples of some classes are too bad to annotate
    held_out=1,
)
train_dataloader = dict(dataset=dict(part='train', **latents))
val_dataloader = dict(dataset=dict(part='val', **latents))
test_dataloader = dict(dataset=dict(part='val', **latents))
custom_hooks = [dict(type='mmbdg.ExportLabelledGeneratorHook', classes=_base_.class_names)]
requires_annotated = 'annotated latents: tools/annotate.py sample CONFIG OUT, then tools/annotate.py import OUT data/annotated'
next_step = 'python tools/synthesize.py CONFIG OUT --cfg-options synthesis.labelled_generator={work_dir}/labelled_generator'
