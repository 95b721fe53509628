"""Millimetre-wave radar core shared by every system: waveforms, wire formats, spectra, simulation.

Nothing here imports ``rclpy`` except the sub-package :mod:`mmwave.ros`.
"""
