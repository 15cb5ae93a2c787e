"""Ensemble of sixteen feature interpreters of 0.1 M parameters for the 32 px generator."""

class_names = ('t-shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'ankle boot')

interpreter = dict(
    type='mmbdg.InterpreterEnsemble',
    num_members=16,
    member=dict(
        type='mmbdg.FeatureInterpreter',
        num_outputs=1,  # FG/BG; the class is known from the generator
        groups=(8, 16, 32),
        widths=(24, 16, 12),  # (128, 64, 32) at 512 px
    ),
)
