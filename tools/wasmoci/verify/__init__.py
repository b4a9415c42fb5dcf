"""Verdicts on images and components: who of the trusted signed what."""
