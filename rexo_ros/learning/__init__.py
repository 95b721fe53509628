"""Training of REXO: PyTorch, only here."""
