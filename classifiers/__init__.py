"""From judge labels to the classifier bundle: corpus, model, training, calibration, export, evaluation."""
