"""What is installed and whether it works; registration with ir_datasets and ir_measures."""
