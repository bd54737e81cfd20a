"""Image files to pixels; knows neither the networks nor the pages."""
