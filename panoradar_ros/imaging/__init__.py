"""From positions and turntable angles to motion, beams, points: arrays in, arrays out."""
