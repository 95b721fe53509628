"""ROS nodes of mmAnomaly."""
