"""The application and the engine that drives it."""
