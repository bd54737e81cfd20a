"""Cases: reviewed, signed off, amended."""
