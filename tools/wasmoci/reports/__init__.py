"""Verdicts as files: JUnit, SARIF, Markdown, a page, SLSA verification summaries."""
