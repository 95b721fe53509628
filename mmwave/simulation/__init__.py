"""A physical stand-in for the world: buildings, people, ray-cast truth and FMCW returns.

Whatever comes from here is always called *simulated*.
"""
