"""Which code, parameters and inputs made an artifact: fingerprints, records, DVC stages, recovery after a kill."""
