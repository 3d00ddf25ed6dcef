"""The commands of the devices app."""
