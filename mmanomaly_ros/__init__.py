"""mmAnomaly: what the radar should see, and where it does not (see ``docs/roadmap.md``)."""
