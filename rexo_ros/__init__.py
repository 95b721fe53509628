"""REXO: people as 3D boxes from two radar views (see the roadmap in ``docs/roadmap.md``)."""
