"""Use cases: what people do with models and records, without knowing the web."""
