"""Data, networks and training; the only place that knows PyTorch."""
