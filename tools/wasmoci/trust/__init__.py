"""From plain values, of options or requests, to trusted keys and signing keys."""
