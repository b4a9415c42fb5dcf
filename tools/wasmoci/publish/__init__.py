"""Sends images with their signatures to registries: plans, copies, tags."""
