"""What a command prints: results as text or JSON, verdicts, and progress."""
