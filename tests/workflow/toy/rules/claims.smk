# The toy makes no tables that claims are decided from: a study without artifacts is none for DVC.
