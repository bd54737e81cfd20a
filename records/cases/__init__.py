"""Cases, reviews of their cells, and signatures."""
