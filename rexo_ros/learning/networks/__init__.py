"""Networks of REXO."""
