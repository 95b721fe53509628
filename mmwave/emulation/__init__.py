"""Devices that speak their own bytes.

DCA1000 on UDP, AWR1843 command line and Tic stepper controller on pseudo-terminals.
"""
