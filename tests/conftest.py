"""Fixtures that every test may use, and how Hypothesis runs here."""

from hypothesis import HealthCheck, settings

# The machines that run the tests are noisy: a slow example is no failure.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")
