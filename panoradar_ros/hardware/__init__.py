"""Drivers for the radar with its capture card and for the stepper. No ROS here."""
