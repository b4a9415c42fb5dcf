"""The commands: each reads its options, calls one operation and prints what it returns."""
