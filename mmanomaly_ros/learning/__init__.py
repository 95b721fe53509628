"""Training of mmAnomaly: PyTorch and diffusers, only here."""
