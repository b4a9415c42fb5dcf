"""From plain values, which options and requests give, to trusted keys and to signing keys."""
