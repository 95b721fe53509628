"""Training and export of networks, whatever they learn: PyTorch, only in packages of this name."""
