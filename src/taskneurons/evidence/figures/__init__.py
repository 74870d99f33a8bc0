"""Figures of the neurons and deactivation studies, one module a figure, in one style and byte-stable."""
