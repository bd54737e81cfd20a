"""Every threshold of the judgement that Classify and Detect share, in one place.

Chosen from the measures of good fields and of degraded copies of them, which
`python -m training evaluate quality-control` makes: see
docs/adr/0041-quality-before-counting.md. Grey levels are of 0..255, shares of 0..1.
"""

MIN_CONTRAST = 4.0
"""Standard deviation of grey levels under which an image shows nothing."""

GRAIN = 1.0
"""The same under which it is of one colour, whatever the light."""

MIN_COLOUR = 3.0
"""Mean spread between a pixel's channels under which an image is grey."""

DARK = 40.0
"""99th percentile of the grey levels under which an image is too dark to be read."""

DIM = 120.0
"""The brightest channel of the empty slide under which it was taken with too little light."""

OVER_EXPOSED = 245.0
"""1st percentile of the grey levels above which nothing but light is left."""

CLIPPED = 0.4
"""Share of pixels at the end of the scale in green, above which pale parts of cells are lost."""

MIN_DEPTH = 0.08
"""Optical density for green light of the densest twentieth, under which the stain is pale."""

MAX_CAST = 0.34
"""Spread between the channels of the empty slide, as a share of the brightest."""

MAX_GREEN = 0.12
"""Share of pixels that absorb less green than red light: the stains absorb green most."""

CUT_OUT_PLAIN = 0.3
"""Share of one colour, black or white, from which an image may be a cell that was cut out."""

CUT_OUT_LONE = 0.9
"""Share of all else that is then in one piece."""

MAX_LINES = 0.6
"""Straight thin lines, in longer sides of the image, above which something was drawn on it."""

MAX_BLOCKS = 3.0
"""Steps between JPEG's blocks, against those inside of them, above which details are gone."""

MIN_COVERAGE = 0.75
"""Share of what is stained that lies in cells, under which an image may be no smear."""

NO_COVERAGE = 0.5
"""The same under which it is none."""

SOFT = 0.22
"""Sharpness of the red cells under which a field is slightly out of focus."""

BLURRED = 0.13
"""Sharpness of the red cells under which a field cannot be read."""

MIN_SHARPNESS = 0.15
"""Sharpness under which a single white cell is out of focus."""

FEW_PIXELS = 20.0
"""Diameter of the red cells in pixels under which white cells have too few to be named surely."""

TOO_FEW_PIXELS = 6.0
"""The same under which they have too few to be counted."""
