"""Training: labelled images in, served networks, figures and model cards out."""
