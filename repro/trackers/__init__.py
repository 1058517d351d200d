"""Where experiment trackers keep a run's metrics: read without the trackers themselves."""
