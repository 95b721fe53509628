"""The only place in :mod:`mmwave` that knows ROS: messages, node base, parameters."""
