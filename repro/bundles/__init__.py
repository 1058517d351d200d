"""Bundles: a run as one file, an OCI image layout in a tar (specs/bundle.md)."""
