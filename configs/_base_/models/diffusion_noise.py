"""Noise schedule of the small diffusion models: Stable Diffusion's betas, rescaled so that the last step is pure noise."""

schedule = dict(
    beta_schedule='scaled_linear',
    beta_start=0.00085,
    beta_end=0.012,
    prediction_type='v_prediction',
    rescale_betas_zero_snr=True,
    timestep_spacing='trailing',
    steps_offset=1,
)
