"""The two dialects: bytes to domain and back. Pure functions; what differs between eras is on a `Profile`."""
