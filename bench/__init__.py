"""What is fast, and how we know. Timings live here and never in tests."""
