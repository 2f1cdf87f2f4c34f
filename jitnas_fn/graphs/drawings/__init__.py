"""Architectures drawn as SVG."""
