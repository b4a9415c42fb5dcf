"""Packages components as images and indexes in layouts, and unpacks them."""
