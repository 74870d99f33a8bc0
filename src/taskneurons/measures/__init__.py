"""Pure functions of arrays and texts: metrics, statistics over seeds, CKA, spectra, change points."""
