"""Networks of mmAnomaly."""
