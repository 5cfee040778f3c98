"""From a model and pictures to a figure: what the commands and Python call."""
