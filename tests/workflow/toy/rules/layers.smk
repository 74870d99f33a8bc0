# The toy has no run whose `studies` name the layers: a study without artifacts is none for DVC.
