"""Files of an installation: images and the secret key."""
