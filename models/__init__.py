"""Pixels to findings: knows numpy, Pillow and OpenVINO, neither Flask nor SQLAlchemy."""
