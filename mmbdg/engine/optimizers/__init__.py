"""Optimiser wrappers, their constructors, and learning rate schedules."""
