"""S280 to S288: what an autoencoder must be, beside what every network must."""

from specc.plugin import Rule
from specc_features.rules import code, image

RULES = (
    Rule("S280", "code_named", code.check_code),
    Rule("S281", "code_bypassed", code.check_bypass),
    Rule("S282", "reconstruction_form", image.check_form),
    Rule("S283", "reconstruction_activation", image.check_final),
    Rule("S284", "reconstruction_loss", image.check_loss),
    Rule("S285", "wide_code", code.check_width),
    Rule("S286", "gaussian_code", code.check_gaussian),
    Rule("S287", "sparse_code", code.check_sparse),
    Rule("S288", "noise_form", image.check_noise),
)
