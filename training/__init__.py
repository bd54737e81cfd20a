"""Training: labelled images in, served networks, metrics and model cards out."""
