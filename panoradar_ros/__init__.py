"""PanoRadar: a rotating single-chip radar as a 3D imager, from hardware drivers to ROS 2 nodes."""
