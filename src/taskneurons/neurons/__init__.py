"""Scores of neurons, sets of neurons with their controls, and patches. numpy only."""
