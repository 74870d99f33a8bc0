"""What runs a model: training, neuron-sparse tuning, attribution, deactivation, evaluation, representations."""
