"""Optimiser wrappers, their constructors, and schedules."""
