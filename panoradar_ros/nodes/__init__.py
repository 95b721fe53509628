"""Thin ROS 2 nodes: convert, call, publish."""
