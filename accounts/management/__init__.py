"""What operators run in a shell."""
