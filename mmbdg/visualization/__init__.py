"""Visualization: contact sheets, features as colours, correspondence of two views."""
