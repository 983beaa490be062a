"""Optuna: its samplers for the settings of a search, and studies from it and for it. The one place that names it."""
