"""MedSafetyBench (Han et al., NeurIPS 2024) and its kin: the data, and what is measured on it."""
