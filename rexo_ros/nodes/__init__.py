"""ROS nodes of REXO."""
